/**
 * Run as `node --expose-gc native-crypto-probe.mjs [ADDON]`: exits 0 when ssh2's native ciphers can be trusted with
 * this process. They must agree with ssh2's own JavaScript ciphers, and thousands of them must be collected without
 * taking the process along: a build that mixes the wrong headers aborts at a garbage collection, not before.
 * With ADDON that file is loaded in place of the addon inside ssh2.
 */
import { randomBytes } from "node:crypto";
import { createRequire, registerHooks } from "node:module";

const suites = [
  ["aes128-gcm@openssh.com"],
  ["aes256-gcm@openssh.com"],
  ["chacha20-poly1305@openssh.com"],
  ["aes128-ctr", "hmac-sha2-256-etm@openssh.com"],
  ["aes256-ctr", "hmac-sha2-512"],
];
const rounds = 20;
const pairsPerRound = 50;

const addon = process.argv[2];
if (addon !== undefined) {
  registerHooks({
    resolve: (specifier, context, next) => next(specifier.endsWith("/sshcrypto.node") ? addon : specifier, context),
  });
}
const ssh2Crypto = createRequire(import.meta.url)("ssh2/lib/protocol/crypto.js");
await ssh2Crypto.init;

if (!ssh2Crypto.bindingAvailable) throw new Error("the addon does not load");
for (const suite of suites) {
  for (const [pureOut, pureIn] of [
    [false, false],
    [false, true],
    [true, false],
  ]) {
    roundTrip(suite, pureOut, pureIn);
  }
}
let pairs = 0;
for (let round = 0; round < rounds; round++) {
  for (let pair = 0; pair < pairsPerRound; pair++) {
    for (const suite of suites) {
      const { cipher, decipher } = roundTrip(suite, false, false);
      // A session that ends in good order frees its ciphers; one that is dropped leaves them to the collector.
      if (pair % 2 === 0) {
        cipher.free();
        decipher.free();
      }
      pairs++;
    }
  }
  globalThis.gc();
  await new Promise(setImmediate);
}
console.log(`${2 * pairs} ciphers made and dropped`);

function roundTrip([cipherName, macName], pureOut, pureIn) {
  const cipherInfo = ssh2Crypto.CIPHER_INFO[cipherName];
  const macInfo = macName && ssh2Crypto.MAC_INFO[macName];
  const secret = randomBytes(cipherInfo.keyLen);
  const iv = randomBytes(cipherInfo.ivLen);
  const macSecret = macInfo && randomBytes(macInfo.len);
  const written = [];
  const received = [];
  const cipher = ssh2Crypto.createCipher({
    outbound: {
      seqno: 0,
      onWrite: (bytes) => written.push(Buffer.from(bytes)),
      cipherInfo,
      cipherKey: Buffer.from(secret),
      cipherIV: Buffer.from(iv),
      macInfo,
      macKey: macSecret,
      forceNative: pureOut,
    },
  });
  const decipher = ssh2Crypto.createDecipher({
    inbound: {
      seqno: 0,
      onPayload: (bytes) => {
        received.push(Buffer.from(bytes));
      },
      decipherInfo: cipherInfo,
      decipherKey: Buffer.from(secret),
      decipherIV: Buffer.from(iv),
      macInfo,
      macKey: macSecret,
      forceNative: pureIn,
    },
  });
  const sent = [randomBytes(1), randomBytes(1000)];
  for (const payload of sent) {
    const packet = cipher.allocPacket(payload.length);
    packet.set(payload, 5);
    cipher.encrypt(packet);
  }
  const wire = Buffer.concat(written);
  decipher.decrypt(wire, 0, wire.length);
  if (!Buffer.concat(received).equals(Buffer.concat(sent))) throw new Error(`${cipherName} returns other bytes`);
  return { cipher, decipher };
}
