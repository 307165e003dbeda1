import * as openpgp from "openpgp";
import { FileError } from "../../core/errors.ts";
import { pgpFailure } from "./pgp-failure.ts";

/** A key of the configuration: a public one, or a private one with its passphrase. Texts are armored. */
export interface PgpKeyMaterial {
  readonly name: string;
  readonly publicKey?: string | undefined;
  readonly privateKey?: string | undefined;
  readonly passphrase?: string | undefined;
}

export interface UsablePgpKey {
  readonly publicKey: openpgp.PublicKey;
  /** Unlocked. */
  readonly privateKey: openpgp.PrivateKey | undefined;
}

/** Reads and unlocks a key. @throws FileError `integrity` with one sentence for a key that cannot be used now */
export async function usableKey({ name, publicKey, privateKey, passphrase }: PgpKeyMaterial): Promise<UsablePgpKey> {
  if (privateKey !== undefined) {
    const read = await explained(name, () => openpgp.readPrivateKey({ armoredKey: privateKey }));
    await assertInForce(name, read);
    if (read.isDecrypted()) return { publicKey: read.toPublic(), privateKey: read };
    if (passphrase === undefined) throw new FileError("integrity", `the OpenPGP key ${name} needs its passphrase`);
    const unlocked = await openpgp.decryptKey({ privateKey: read, passphrase }).catch(() => undefined);
    if (!unlocked) throw new FileError("integrity", `the passphrase does not open the OpenPGP key ${name}`);
    return { publicKey: unlocked.toPublic(), privateKey: unlocked };
  }
  const read = await explained(name, () => openpgp.readKey({ armoredKey: publicKey ?? "" }));
  if (read.isPrivate())
    throw new FileError("integrity", `the OpenPGP key ${name} is private and stands as a public one`);
  await assertInForce(name, read);
  return { publicKey: read, privateKey: undefined };
}

async function assertInForce(name: string, read: openpgp.Key): Promise<void> {
  const expiration = await explained(name, () => read.getExpirationTime());
  if (expiration instanceof Date && expiration.getTime() <= Date.now()) {
    throw new FileError("integrity", `the OpenPGP key ${name} expired on ${expiration.toISOString().slice(0, 10)}`);
  }
  if (await read.isRevoked()) throw new FileError("integrity", `the OpenPGP key ${name} is revoked`);
  await explained(name, () => read.verifyPrimaryKey());
}

async function explained<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new FileError("integrity", `the OpenPGP key ${name} cannot be used: ${pgpFailure(error)}`, { cause: error });
  }
}
