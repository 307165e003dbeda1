/** A value of the configuration file that cannot be used. The message is for the person who wrote it. */
export class InvalidValue extends Error {
  override readonly name = "InvalidValue";
}
