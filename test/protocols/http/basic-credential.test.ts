import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseBasicCredential } from "../../../protocols/http/basic-credential.ts";

const encode = (text: string | Uint8Array) => Buffer.from(text).toString("base64");
const text = fc.string({ unit: "binary" }).filter((value) => !/\p{Cc}/u.test(value) && value.isWellFormed());

test("any name without a colon and any password come through", () => {
  fc.assert(
    fc.property(
      text.map((name) => name.replaceAll(":", "")),
      text,
      (username, password) => {
        const credential = parseBasicCredential(`Basic ${encode(`${username}:${password}`)}`);
        assert.deepEqual(credential, { kind: "password", username, password });
      },
    ),
  );
});

test("the examples of RFC 7617 are read", () => {
  const aladdin = { kind: "password", username: "Aladdin", password: "open sesame" };
  assert.deepEqual(parseBasicCredential("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), aladdin);
  assert.deepEqual(parseBasicCredential("Basic dGVzdDoxMjPCow=="), {
    kind: "password",
    username: "test",
    password: "123£",
  });
});

test("the scheme is written in any case, with any number of spaces, and padding may be missing", () => {
  for (const header of ["basic YTpi", "BASIC   YTpi", " Basic YTpi ", "Basic YTo6"]) {
    assert.equal(parseBasicCredential(header)?.username, "a", header);
  }
  assert.equal(parseBasicCredential("Basic YTpiYg")?.username, "a");
});

test("what is not Basic, not base64, not UTF-8 or has control characters is no credential", () => {
  const wrong = [
    "",
    "Basic",
    "Basic ",
    "BasicYTpi",
    "Bearer YTpi",
    "Digest username=a",
    "Basic YTpi YTpi",
    "Basic YTpi, Basic YTpi",
    "Basic @@@@",
    `Basic ${encode("no colon")}`,
    `Basic ${encode(Buffer.from([0x61, 0x3a, 0xa3]))}`,
    `Basic ${encode("a\0:b")}`,
    `Basic ${encode("a:b\n")}`,
    `Basic ${encode("a:\u0085")}`,
  ];
  for (const header of wrong) assert.equal(parseBasicCredential(header), undefined, header);
});
