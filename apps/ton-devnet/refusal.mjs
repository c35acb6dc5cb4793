/** What a caller did wrong, or what is to be answered in place of a result: an HTTP status and a text. */
export class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}
