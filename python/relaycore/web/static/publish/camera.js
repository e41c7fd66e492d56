// The camera and the microphone of this device.

import { t } from "../texts.js";

/** Pictures a second that are asked for; a camera that has fewer gives fewer. */
const FPS = 30;

/** Heights of pictures that may be chosen, with what they take at most, in bits per second. */
export const SIZES = { 480: 1_200_000, 720: 2_500_000, 1080: 4_500_000 };

/** Why there is no camera, as a sentence for a person. */
export class NoCamera extends Error {}

/** Whether a page of this address is given a camera at all (W3C Secure Contexts). */
export function mayAsk() {
  return window.isSecureContext && navigator.mediaDevices?.getUserMedia !== undefined;
}

/** Whether it was allowed already, so that asking opens no question. */
export async function isAllowed() {
  try {
    return (await navigator.permissions.query({ name: "camera" })).state === "granted";
  } catch {
    return false;
  }
}

/** The cameras of this device; before any was opened they have no names. */
export async function cameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind, label }) => kind === "videoinput" && label !== "");
}

/**
 * Opens a camera, and a microphone with it.
 *
 * @param {string} which `user` or `environment` for the one that looks forward or back, or the id of a device
 * @param {number} height of the picture, for which the next best is taken
 * @param {boolean} sound
 */
export async function open(which, height, sound) {
  const facing = which === "user" || which === "environment";
  const video = {
    width: { ideal: Math.round((height * 16) / 9) },
    height: { ideal: height },
    frameRate: { ideal: FPS },
    ...(facing ? { facingMode: { ideal: which } } : { deviceId: { exact: which } }),
  };
  const audio = sound ? { echoCancellation: false, noiseSuppression: true } : false;
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio });
  } catch (error) {
    if (sound && (error.name === "NotFoundError" || error.name === "NotReadableError")) {
      // Better a picture without sound than none.
      return open(which, height, false);
    }
    throw new NoCamera(sentenceOf(error));
  }
}

function sentenceOf(error) {
  switch (error.name) {
    case "NotAllowedError":
    case "SecurityError":
      return t("This page may not use the camera. Allow it in the settings of the browser, and try again.");
    case "NotFoundError":
    case "OverconstrainedError":
      return t("There is no such camera on this device.");
    case "NotReadableError":
    case "AbortError":
      return t("The camera does not start. Close other programs that use it, and try again.");
    default:
      return t("The camera cannot be used: {reason}", { reason: error.message });
  }
}
