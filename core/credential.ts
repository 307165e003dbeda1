/**
 * A public key whose owner has signed this session's identifier with it. The constructor runs the check, so a
 * `ProvenKey` that exists has been proven: a key that was only offered cannot take its place (RFC 4252 §7).
 */
export class ProvenKey {
  readonly algorithm: string;
  /** Wire form in base64. */
  readonly blob: string;

  private constructor(algorithm: string, blob: string) {
    this.algorithm = algorithm;
    this.blob = blob;
  }

  /** `verify` must check the signature over the session identifier; anything but `true` proves nothing. */
  static prove(key: { algorithm: string; blob: string }, verify: () => boolean): ProvenKey | undefined {
    return verify() === true ? new ProvenKey(key.algorithm, key.blob) : undefined;
  }
}

/** What a client presents to say who it is. */
export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | { readonly kind: "public-key"; readonly username: string; readonly provenKey: ProvenKey };
