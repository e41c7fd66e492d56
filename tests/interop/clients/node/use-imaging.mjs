// Sets the brightness of a camera by npm's onvif: `node use-imaging.mjs PORT USER PASSWORD BRIGHTNESS`.
//
// Prints as JSON what could be set of the camera, what it was set to, and what it is set to after that.

import onvif from "onvif/promises/index.js";

const [port, username, password, brightness] = process.argv.slice(2);
const camera = new onvif.Cam({ hostname: "127.0.0.1", port: Number(port), username, password, timeout: 60_000, autoconnect: false });
const found = {};

await camera.connect();
found.capabilities = await camera.getImagingServiceCapabilities();
found.options = await camera.getVideoSourceOptions();
found.before = await camera.getImagingSettings();
await camera.setImagingSettings({ brightness: Number(brightness), exposure: { mode: "MANUAL", gain: 7 } });
found.after = await camera.getImagingSettings();
console.log(JSON.stringify(found));
process.exit(0);
