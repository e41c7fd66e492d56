// Staying close to now: how fast to play, and when to jump.

const LEAST_TARGET_S = 0.06;
const FIRST_TARGET_S = 0.1;
const MOST_TARGET_S = 1.5;

/** So much more than the target is played away slowly; more than JUMP_S is jumped over. */
const SLACK_S = 0.08;
const JUMP_S = 1.0;

/** Speech keeps its pitch, and nobody notices, up to about a tenth. */
const FASTER = 1.1;
const A_LITTLE_FASTER = 1.04;
const SLOWER = 0.97;

/**
 * Chooses rate and jumps from what is buffered. It keeps a little in hand, more after each time that
 * nothing was left, and less again when that has not happened for long.
 */
export class LiveEdge {
  constructor() {
    this.target = FIRST_TARGET_S;
  }

  /** Nothing was left to play. */
  starved() {
    this.target = Math.min(MOST_TARGET_S, this.target * 1.5);
  }

  /** It went well for so many seconds. */
  wentWell(seconds) {
    this.target = Math.max(LEAST_TARGET_S, this.target - 0.002 * seconds);
  }

  /**
   * What to do now.
   *
   * @param {number} now where the video is, in seconds of its time
   * @param {[number, number][]} ranges what is buffered, as start and end
   * @returns {{ rate: number, jump: number | null }}
   */
  steer(now, ranges) {
    if (ranges.length === 0) return { rate: 1, jump: null };
    const [start, end] = ranges[ranges.length - 1];
    const newest = Math.max(start, end - this.target);
    if (now < start) {
      // In an older piece, or before all of them: play that to its end, unless it has ended.
      const rest = ranges.find(([from, to]) => now >= from && now < to - 0.02);
      const late = end - now > this.target + JUMP_S;
      return { rate: 1, jump: rest === undefined || late ? newest : null };
    }
    const ahead = end - now;
    if (ahead > this.target + JUMP_S) return { rate: 1, jump: newest };
    if (ahead > this.target + 3 * SLACK_S) return { rate: FASTER, jump: null };
    if (ahead > this.target + SLACK_S) return { rate: A_LITTLE_FASTER, jump: null };
    if (ahead < this.target / 3 && ahead >= 0) return { rate: SLOWER, jump: null };
    return { rate: 1, jump: null };
  }
}
