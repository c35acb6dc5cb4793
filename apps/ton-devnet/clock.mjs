/** The chain's clock: real time, moved. */
export class Clock {
  offset = 0;

  /** Unix seconds. */
  now() {
    return Math.floor(Date.now() / 1000 + this.offset);
  }

  /** Makes it `seconds` now. */
  set(seconds) {
    this.offset = seconds - Date.now() / 1000;
  }
}
