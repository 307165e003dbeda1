import assert from "node:assert/strict";
import { test } from "node:test";
import { isPublicAddress } from "../../core/public-address.ts";

const notPublic = [
  ..."0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255".split(" "),
  ..."192.0.0.1 192.0.2.1 192.168.0.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1".split(" "),
  ..."255.255.255.255 :: ::1 fe80::1 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 ::ffff:127.0.0.1".split(" "),
  ..."::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2002:7f00:1:: 2002:a00:1:: 2001::1 100::1".split(" "),
  ..."fe80::1%eth0 localhost example.com".split(" "),
  "",
];

for (const address of notPublic) {
  test(`${JSON.stringify(address)} is no public address`, () => assert.equal(isPublicAddress(address), false));
}

for (const address of ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]) {
  test(`${address} is a public address`, () => assert.equal(isPublicAddress(address), true));
}
