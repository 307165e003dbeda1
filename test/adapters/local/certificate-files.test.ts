import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { watchCertificateFiles } from "../../../adapters/local/certificate-files.ts";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../../../adapters/node/tls-certificate.ts";
import { limits } from "../../../core/limits.ts";
import { createMemoryRuntime } from "../../support/memory-ports.ts";

let folder: string;
let nowMs: number;
let runtime: ReturnType<typeof createMemoryRuntime>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ferrygate-certificates-"));
  nowMs = 0;
  runtime = createMemoryRuntime();
  write(selfSigned("first"));
});

afterEach(() => rmSync(folder, { recursive: true }));

function selfSigned(host: string) {
  const privateKey = createTlsPrivateKey();
  return { privateKey, certificate: createSelfSignedCertificate(privateKey, [host], Date.now()) };
}

function write({ certificate, privateKey }: { certificate?: string; privateKey?: string }): void {
  if (certificate !== undefined) writeFileSync(join(folder, "c.pem"), certificate);
  if (privateKey !== undefined) writeFileSync(join(folder, "k.pem"), privateKey);
}

function watch() {
  const files = { certificate: join(folder, "c.pem"), privateKey: join(folder, "k.pem") };
  return watchCertificateFiles(files, { now: () => nowMs, log: runtime.log });
}

const levels = () => runtime.logged.map(({ level }) => level);

test("changed files are in force at the next look, and not looked at sooner", () => {
  const current = watch();
  const before = current();
  const renewed = selfSigned("renewed");
  write(renewed);
  nowMs += limits.configurationCheckMs - 1;
  assert.equal(current(), before);
  nowMs += 1;
  assert.deepEqual(current(), renewed);
  assert.deepEqual(levels(), ["info"]);
});

test("a clock that is set back does not put the next look off", () => {
  const current = watch();
  const renewed = selfSigned("renewed");
  write(renewed);
  nowMs -= 3_600_000;
  assert.deepEqual(current(), renewed);
});

test("a certificate without its private key changes nothing and is told once, until the private key follows", () => {
  const current = watch();
  const before = current();
  const renewed = selfSigned("renewed");
  write({ certificate: renewed.certificate });
  for (let look = 0; look < 3; look += 1) {
    nowMs += limits.configurationCheckMs;
    assert.equal(current(), before);
  }
  assert.deepEqual(levels(), ["error"]);
  write({ privateKey: renewed.privateKey });
  nowMs += limits.configurationCheckMs;
  assert.deepEqual(current(), renewed);
  assert.deepEqual(levels(), ["error", "info"]);
});

test("damaged, empty and missing files change nothing", () => {
  const current = watch();
  const before = current();
  const damages = [
    () => write({ certificate: "damaged" }),
    () => write({ privateKey: "" }),
    () => rmSync(folder, { recursive: true }),
  ];
  for (const damage of damages) {
    damage();
    nowMs += limits.configurationCheckMs;
    assert.equal(current(), before);
  }
  assert.deepEqual(levels(), ["error", "error", "error"]);
  folder = mkdtempSync(join(tmpdir(), "ferrygate-certificates-"));
});

test("nothing starts with files that cannot be used", () => {
  write({ privateKey: createTlsPrivateKey() });
  assert.throws(watch, /k\.pem does not hold the private key of .*c\.pem/);
  rmSync(join(folder, "k.pem"));
  assert.throws(watch, /k\.pem": there is no such file/);
});
