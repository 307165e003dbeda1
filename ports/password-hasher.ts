/** Slow, salted password hashes in PHC string form. */
export interface PasswordHasher {
  /**
   * True when the password matches. Without a hash (an unknown name, an account without a password) it does the
   * same work and answers false, so that time tells nothing.
   * @throws FileError `unavailable` when too many checks wait already.
   */
  verify(password: string, hash: string | undefined): Promise<boolean>;
  hash(password: string): Promise<string>;
}
