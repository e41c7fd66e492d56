// How long to wait before the next attempt.

const FIRST_S = 0.5;
const MOST_S = 15;

/**
 * Seconds to wait after so many attempts without success, the first of which is 1.
 *
 * It doubles, and is anything between half of that and all of it, so that the viewers of a relay that
 * starts again do not all come at once. `random` gives a number from 0 to 1.
 */
export function pauseAfter(attempts, random = Math.random) {
  const whole = Math.min(MOST_S, FIRST_S * 2 ** (attempts - 1));
  return whole * (0.5 + random() / 2);
}
