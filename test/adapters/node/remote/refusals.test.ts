import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ftpFailure } from "../../../../adapters/node/remote/ftp-reply.ts";
import { httpFailure } from "../../../../adapters/node/remote/http-status.ts";
import { sftpFailure } from "../../../../adapters/node/remote/sftp-status.ts";

describe("what a reply of FTP means", () => {
  const replies = {
    "421 Timeout": "unavailable",
    "425 Can't open data connection": "unavailable",
    "450 File busy": "unavailable",
    "451 Local error": "unavailable",
    "452 Insufficient storage": "unavailable",
    "500 Command not understood": "unsupported",
    "500 OOPS: child died": "unavailable",
    "502 Not implemented": "unsupported",
    "522 SSL connection failed; session reuse required": "unsupported",
    "530 Login incorrect.": "permission-denied",
    "530 Sorry, the maximum number of allowed clients (30) already connected.": "unavailable",
    "532 Need account for storing files": "permission-denied",
    "550 Permission denied.": "not-found",
    "550 The process cannot access the file because it is being used by another process.": "unavailable",
    "552 Quota limit exceeded": "quota-exceeded",
    "553 File name not allowed.": "permission-denied",
    "554 Transaction failed": "permission-denied",
  };
  for (const [message, code] of Object.entries(replies)) {
    it(`${message}: ${code}`, () => {
      const failure = ftpFailure({ code: Number(message.slice(0, 3)), message }, "/a");
      assert.equal(failure.code, code);
      assert.ok(failure.message.includes(message.slice(4)), failure.message);
    });
  }
});

describe("what a status of SFTP means", () => {
  const statuses: readonly (readonly [number, string])[] = [
    [2, "not-found"],
    [3, "permission-denied"],
    [4, "unavailable"],
    [5, "unsupported"],
    [6, "unavailable"],
    [7, "unavailable"],
    [8, "unsupported"],
    [10, "not-found"],
    [11, "already-exists"],
    [12, "permission-denied"],
    [14, "unavailable"],
    [15, "quota-exceeded"],
    [17, "unavailable"],
    [19, "not-a-directory"],
    [99, "unavailable"],
  ];
  for (const [status, code] of statuses) {
    it(`${status}: ${code}`, () => assert.equal(sftpFailure(status, "no").code, code));
  }
});

describe("what a status of HTTP means", () => {
  const statuses: readonly (readonly [number, string])[] = [
    [301, "invalid-argument"],
    [400, "invalid-argument"],
    [401, "permission-denied"],
    [403, "permission-denied"],
    [404, "not-found"],
    [405, "permission-denied"],
    [408, "unavailable"],
    [409, "invalid-argument"],
    [412, "precondition-failed"],
    [413, "too-large"],
    [422, "invalid-argument"],
    [423, "unavailable"],
    [425, "unavailable"],
    [429, "unavailable"],
    [500, "unavailable"],
    [501, "unsupported"],
    [502, "unavailable"],
    [503, "unavailable"],
    [507, "unavailable"],
  ];
  for (const [status, code] of statuses) {
    it(`${status}: ${code}`, () => assert.equal(httpFailure({ status, headers: {} }, "/a", 0).code, code));
  }

  const words = (type: string, text: string) =>
    httpFailure({ status: 400, headers: { "content-type": type }, text }, "/a", 0).message;

  it("comes with what the server says, where that is meant for a record", () => {
    const problem = JSON.stringify({ title: "no", detail: "the name is taken\r\nby another" });
    assert.match(words("application/problem+json", problem), /400 for \/a: the name is taken$/);
    assert.match(words("text/plain; charset=utf-8", "not on Sundays\n"), /: not on Sundays$/);
    for (const [type, text] of [
      ["text/html", "<p>no"],
      ["application/json", "{"],
      ["application/json", "null"],
    ] as const) {
      assert.match(words(type, text), /answered 400 for \/a$/);
    }
  });

  it("says when it is worth trying again", () => {
    const after = (status: number, value: string) =>
      httpFailure({ status, headers: { "retry-after": value } }, "/a", Date.parse("2026-01-01T00:00:00Z")).retryAfterMs;
    assert.equal(after(503, "120"), 120_000);
    assert.equal(after(429, "Thu, 01 Jan 2026 00:00:30 GMT"), 30_000);
    assert.equal(after(503, "soon"), undefined);
    assert.equal(after(403, "120"), undefined);
  });
});
