import { name, secret, section } from "./fields.ts";
import type { SecretSource } from "./secret.ts";

/** One key of `pgpKeys`. Whether it can be used is seen when it is read, which `pgpKeyProblems` does. */
export function pgpKeySchema(secrets: SecretSource) {
  return section({
    name: name.describe("Unique among the keys."),
    publicKey: secret(secrets).optional().describe("The public key of somebody else, armored."),
    privateKey: secret(secrets).optional().describe("An own private key, armored; its public key comes with it."),
    passphrase: secret(secrets).optional().describe("What opens the private key."),
  }).superRefine((written, context) => {
    if ((written.publicKey === undefined) === (written.privateKey === undefined)) {
      context.addIssue({ code: "custom", message: 'a key needs either "publicKey" or "privateKey"' });
    }
    if (written.passphrase !== undefined && written.privateKey === undefined) {
      const message = "a public key has no passphrase";
      context.addIssue({ code: "custom", path: ["passphrase"], params: { part: "name" }, message });
    }
  });
}
