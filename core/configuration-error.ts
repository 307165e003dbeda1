/** Something wrong with a place inside an entry. */
export interface FieldProblem {
  /** Such as `permissions[1][0]`; empty for the entry as a whole. */
  readonly field: string;
  readonly message: string;
}

/** `invalid-entry`: what was sent breaks a rule of its own form. `conflict`: it clashes with what is there. */
export type ConfigurationErrorCode = "invalid-entry" | "conflict";

/** A change of the configuration that is refused. `message` is a sentence that may be shown to the client. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
  readonly code: ConfigurationErrorCode;
  /** Every problem that was found; the first is the one that the message tells. */
  readonly problems: readonly FieldProblem[];

  constructor(code: ConfigurationErrorCode, first: FieldProblem, ...others: FieldProblem[]) {
    super(first.message);
    this.code = code;
    this.problems = [first, ...others];
  }
}
