// What a player has to know of fragmented MP4 (ISO/IEC 14496-12).

const CONTAINERS = new Set(["moov", "trak", "mdia", "minf", "stbl", "moof", "traf"]);

/** Sample entries whose codec needs no parameters beside its name. */
const PLAIN = { Opus: "opus", "av01": "av01.0.08M.08", fLaC: "flac" };

/** Seconds from 1900, where NTP begins, to 1970. */
const NTP_EPOCH_S = 2208988800;

/** Calls `visit(type, view of the body, path of types)` for each box, from outside to inside. */
function walk(view, visit, path = []) {
  let at = 0;
  while (at + 8 <= view.byteLength) {
    let size = view.getUint32(at);
    let head = 8;
    if (size === 1 && at + 16 <= view.byteLength) {
      size = Number(view.getBigUint64(at + 8));
      head = 16;
    } else if (size === 0) {
      size = view.byteLength - at;
    }
    if (size < head || at + size > view.byteLength) return;
    const type = text(view, at + 4, 4);
    const body = new DataView(view.buffer, view.byteOffset + at + head, size - head);
    visit(type, body, path);
    if (CONTAINERS.has(type)) walk(body, visit, [...path, type]);
    at += size;
  }
}

function text(view, at, length) {
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, length));
}

/** The type of the first box of some bytes. */
export function firstBox(bytes) {
  return bytes.byteLength < 8 ? "" : text(new DataView(bytes), 4, 4);
}

/**
 * What is in an initialisation segment.
 *
 * @param {ArrayBuffer} bytes
 * @returns {{ mime: string, hasSound: boolean, timescales: Map<number, number> }}
 */
export function readInit(bytes) {
  const codecs = [];
  const timescales = new Map();
  let track = 0;
  let hasSound = false;
  walk(new DataView(bytes), (type, body) => {
    const version = body.byteLength > 0 ? body.getUint8(0) : 0;
    if (type === "tkhd") track = body.getUint32(version === 1 ? 20 : 12);
    else if (type === "mdhd") timescales.set(track, body.getUint32(version === 1 ? 20 : 12));
    else if (type === "stsd") codecs.push(codecOf(new DataView(body.buffer, body.byteOffset + 8, body.byteLength - 8)));
    else if (type === "hdlr" && text(body, 8, 4) === "soun") hasSound = true;
  });
  return { mime: `video/mp4; codecs="${codecs.filter(Boolean).join(", ")}"`, hasSound, timescales };
}

/** The codec string (RFC 6381) of the only sample entry of a list. */
function codecOf(entries) {
  if (entries.byteLength < 16) return "";
  const name = text(entries, 4, 4);
  const find = (type, head) => {
    let found = null;
    walk(new DataView(entries.buffer, entries.byteOffset + 8 + head, entries.byteLength - 8 - head), (box, body) => {
      if (box === type) found = body;
    });
    return found;
  };
  if (name === "avc1" || name === "avc3") {
    const box = find("avcC", 78);
    return box ? `${name}.${[1, 2, 3].map((at) => hex(box.getUint8(at))).join("")}` : "";
  }
  if (name === "hvc1" || name === "hev1") {
    const box = find("hvcC", 78);
    return box ? `${name}.${hevc(box)}` : "";
  }
  if (name === "mp4a") {
    const box = find("esds", 28);
    return box ? `mp4a.40.${aacObjectType(box)}` : "mp4a.40.2";
  }
  return PLAIN[name] ?? name;
}

function hex(byte) {
  return byte.toString(16).padStart(2, "0");
}

/** ISO/IEC 14496-15, annex E.3. */
function hevc(box) {
  const first = box.getUint8(1);
  const space = ["", "A", "B", "C"][first >> 6];
  let flags = 0;
  for (let bit = 0; bit < 32; bit++) flags = flags * 2 + ((box.getUint32(2) >>> bit) & 1);
  const constraints = [];
  for (let at = 6; at < 12; at++) constraints.push(box.getUint8(at));
  while (constraints.length > 0 && constraints[constraints.length - 1] === 0) constraints.pop();
  const tier = first & 0x20 ? "H" : "L";
  const parts = [`${space}${first & 0x1f}`, flags.toString(16), `${tier}${box.getUint8(12)}`];
  return [...parts, ...constraints.map((byte) => byte.toString(16))].join(".");
}

/** The audio object type in an elementary stream descriptor (ISO/IEC 14496-1 section 7.2.6). */
function aacObjectType(box) {
  for (let at = 4; at + 2 < box.byteLength; at++) {
    if (box.getUint8(at) !== 0x05) continue; // DecoderSpecificInfo
    let length = at + 1;
    while (length < box.byteLength && box.getUint8(length) & 0x80) length++;
    const type = length + 1 < box.byteLength ? box.getUint8(length + 1) >> 3 : 0;
    if (type > 0 && type < 31) return type;
  }
  return 2;
}

/**
 * When a media time was: the producer's reference time of a fragment (`prft`), where it has one.
 *
 * @param {ArrayBuffer} bytes
 * @param {Map<number, number>} timescales
 * @returns {{ wallclock: number, media: number } | null} ms since 1970, and seconds of media time
 */
export function referenceTime(bytes, timescales) {
  let found = null;
  walk(new DataView(bytes), (type, body) => {
    if (type !== "prft" || found !== null) return;
    const timescale = timescales.get(body.getUint32(4));
    if (timescale === undefined) return;
    const seconds = body.getUint32(8) - NTP_EPOCH_S + body.getUint32(12) / 2 ** 32;
    const ticks = body.getUint8(0) === 1 ? Number(body.getBigUint64(16)) : body.getUint32(16);
    found = { wallclock: seconds * 1000, media: ticks / timescale };
  });
  return found;
}
