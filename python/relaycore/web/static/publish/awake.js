// Keeps the screen on while pictures go out: a phone that sleeps has no camera.

let wanted = false;
let lock = null;

async function take() {
  if (!wanted || lock !== null || document.visibilityState !== "visible") return;
  try {
    lock = await navigator.wakeLock.request("screen");
    lock.addEventListener("release", () => {
      lock = null;
    });
  } catch {
    // Not every browser has it, and one with an empty battery refuses.
  }
}

document.addEventListener("visibilitychange", take);

/** Keeps the screen on from now on, or lets it sleep again. */
export function stayAwake(awake) {
  wanted = awake;
  if (awake) take();
  else lock?.release();
}
