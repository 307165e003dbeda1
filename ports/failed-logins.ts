/**
 * Counts refused passwords by the network of the client, so that passwords cannot be tried without end: after
 * limits.failedLogins within limits.failedLoginsMs, counted from the first, it has to wait for the rest of that time.
 * Both methods throw FileError `unavailable`.
 */
export interface FailedLogins {
  /** How long the address has to wait, in milliseconds; 0 when it may log in. */
  waitMs(address: string, nowMs: number): Promise<number>;
  /** One more was refused; failures at the same time are all counted. */
  add(address: string, nowMs: number): Promise<void>;
}
