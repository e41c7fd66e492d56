// Uses a camera by npm's onvif: `node use-onvif.mjs PORT USER PASSWORD`.
//
// Prints what it found as JSON: what the camera says of itself, how its encoder is changed, where it is moved to, and
// the topics of the events that it tells at first.

import onvif from "onvif/promises/index.js";

const [port, username, password] = process.argv.slice(2);
const camera = new onvif.Cam({ hostname: "127.0.0.1", port: Number(port), username, password, timeout: 30_000, autoconnect: false });
const found = {};

await camera.connect();
found.information = await camera.getDeviceInformation();
// Profiles, streams and encoders come by Media2 where a device tells of it and its first answer can be read.
found.media2 = camera.media2Support;
found.profiles = camera.profiles.map(({ name, videoEncoderConfiguration }) => [
  name,
  videoEncoderConfiguration.encoding,
  videoEncoderConfiguration.resolution,
]);
const profileToken = camera.profiles[0].$.token;
found.stream = (await camera.getStreamUri({ protocol: "RTSP", profileToken })).uri;
found.snapshot = (await camera.getSnapshotUri({ profileToken })).uri;

const { token } = camera.profiles[0].videoEncoderConfiguration.$;
const encoder = await camera.getVideoEncoderConfiguration(token);
encoder.rateControl.bitrateLimit = 700;
await camera.setVideoEncoderConfiguration(encoder);
found.bitrate = (await camera.getVideoEncoderConfiguration(token)).rateControl.bitrateLimit;
found.govLengths = (await camera.getVideoEncoderConfigurations()).map((one) => one.$.GovLength);
found.offered = (await camera.getVideoEncoderConfigurationOptions({ profileToken })).encoding;
await camera.setSynchronizationPoint({ profileToken });

await camera.absoluteMove({ profileToken, x: 0.25, y: -0.25, zoom: 0.5 });
await camera.setPreset({ profileToken, presetName: "Door" });
await camera.continuousMove({ profileToken, x: 0.1, y: 0 });
found.moving = (await camera.getStatus({ profileToken })).moveStatus;
await camera.stop({ profileToken, panTilt: true, zoom: true });
const presets = await camera.getPresets({ profileToken });
found.presets = Object.keys(presets);
await camera.gotoPreset({ profileToken, preset: presets.Door.$.token });
found.position = (await camera.getStatus({ profileToken })).position;

// It pulls from when somebody listens until nobody does.
found.topics = await new Promise((resolve) => {
  const topics = new Set();
  camera.on("event", (message) => {
    topics.add(message.topic._);
    if (topics.size === 4) resolve([...topics].sort());
  });
});
camera.removeAllListeners("event");
console.log(JSON.stringify(found));
process.exit(0);
