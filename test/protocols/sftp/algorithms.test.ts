import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import type { Algorithms, NegotiatedAlgorithms } from "ssh2";
import { offeredAlgorithms, readHostKeys } from "../../../protocols/sftp/algorithms.ts";
import { keyPair, startRig } from "./rig.ts";

const rsa = keyPair("rsa");
const ed25519 = keyPair("ed25519");
const ecdsa = keyPair("ecdsa");

/** What a client and the server agree on when the client offers this; undefined when there is nothing. */
async function negotiated(
  hostKeys: readonly string[],
  algorithms: Algorithms,
): Promise<NegotiatedAlgorithms | undefined> {
  const rig = await startRig({ hostKeys });
  try {
    const client = rig.client();
    client.connect({ ...rig.endpoint, username: "tester", password: "password", algorithms });
    const [algorithmsInUse] = await once(client, "handshake").catch(() => []);
    return algorithmsInUse as NegotiatedAlgorithms | undefined;
  } finally {
    await rig.stop();
  }
}

describe("the offer", () => {
  it("has nothing that rests on SHA-1, CBC, RC4, MD5 or a MAC before encryption", () => {
    for (const native of [true, false]) {
      const names = Object.values(offeredAlgorithms(native, "strict")).flat().map(String);
      for (const name of names) assert.doesNotMatch(name, /sha1|cbc|arcfour|md5|3des|group1\b|group14|nistp|zlib/);
      for (const mac of names.filter((name) => name.startsWith("hmac"))) assert.match(mac, /-etm@openssh\.com$/);
    }
  });

  it("has nothing of SHA-1, CBC and small groups for clients of years ago either, and it comes last", () => {
    const strict = offeredAlgorithms(true, "strict");
    const compatible = offeredAlgorithms(true, "compatible");
    for (const kind of ["kex", "hmac", "cipher"] as const) {
      const [before, after] = [strict[kind], compatible[kind]] as [string[], string[]];
      assert.deepEqual(after.slice(0, before.length), before);
      for (const name of after) assert.doesNotMatch(name, /sha1|cbc|arcfour|md5|3des|group1\b|group-exchange/);
    }
    assert.ok((compatible.kex as string[]).includes("ecdh-sha2-nistp256"));
  });

  it("has ChaCha20 only where it is cheap", () => {
    const chacha = "chacha20-poly1305@openssh.com" as const;
    assert.ok((offeredAlgorithms(true, "strict").cipher as string[]).includes(chacha));
    assert.ok(!(offeredAlgorithms(false, "strict").cipher as string[]).includes(chacha));
  });
});

describe("host keys", () => {
  it("sign with RSA and SHA-2, and never with SHA-1", async () => {
    for (const name of ["rsa-sha2-512", "rsa-sha2-256"] as const) {
      const result = await negotiated([rsa.privateKey], { serverHostKey: [name] });
      assert.equal(result?.serverHostKey, name);
    }
    assert.equal(await negotiated([rsa.privateKey], { serverHostKey: ["ssh-rsa"] }), undefined);
  });

  it("are offered in every kind that is given", async () => {
    const hostKeys = [ed25519, ecdsa, rsa].map(({ privateKey }) => privateKey);
    for (const name of ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512"] as const) {
      assert.equal((await negotiated(hostKeys, { serverHostKey: [name] }))?.serverHostKey, name);
    }
  });

  it("are refused at the start when they cannot be used", () => {
    assert.throws(() => readHostKeys(["no key"]), /cannot be read/);
    assert.throws(() => readHostKeys([`${rsa.account.algorithm} ${rsa.account.blob}`]), /not a private key/);
  });
});

describe("a client that knows only old algorithms", () => {
  it("does not get a connection", async () => {
    const hostKeys = [ed25519.privateKey];
    for (const algorithms of [
      { kex: ["diffie-hellman-group14-sha1"] },
      { cipher: ["aes128-cbc"] },
      { cipher: ["aes128-ctr"], hmac: ["hmac-sha1"] },
      { compress: ["zlib@openssh.com"] },
    ] satisfies Algorithms[]) {
      assert.equal(await negotiated(hostKeys, algorithms), undefined, JSON.stringify(algorithms));
    }
  });
});
