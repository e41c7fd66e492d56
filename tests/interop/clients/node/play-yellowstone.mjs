// Plays a stream with yellowstone: `node play-yellowstone.mjs URL PICTURES`.
//
// Prints number, timestamp and marker of each RTP packet of its video, until that many had their marker.

import yellowstone from "yellowstone";

const [url, pictures] = process.argv.slice(2);
const client = new yellowstone.RtspClient();
let left = Number(pictures);

client.on("data", (_channel, _payload, packet) => {
  console.log(packet.id, packet.timestamp, packet.marker);
  left -= packet.marker;
  if (left === 0) {
    process.exit(0);
  }
});

await client.connect(url);
await client.play();
