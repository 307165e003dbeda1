import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import type { TransferFamilyAuthorizerEvent, TransferFamilyAuthorizerResult } from "aws-lambda";
import { isTransferFamilyEvent, managedAnswerOf } from "../../../../adapters/aws/transfer-family/answer.ts";
import { mountsOf } from "../../../../adapters/aws/transfer-family/mounts.ts";
import type { Account } from "../../../../core/account.ts";
import { parsePermissionRules } from "../../../../core/permission.ts";
import { loginAtManagedServer } from "../../../../service/session/managed-login.ts";
import { createMemoryServices, testAccount } from "../../../support/memory-ports.ts";
import { isAllowed } from "./iam-policy.ts";

const server = { role: "arn:aws:iam::123456789012:role/transfer", bucket: "files" };
const publicKeys = [{ algorithm: "ssh-ed25519", blob: "AAAA", comment: "acme" }];

function permissionsOf(name: string, ...list: readonly (readonly string[])[]) {
  return parsePermissionRules(list, { owner: `account ${name}`, accountName: name });
}

const accounts: readonly Account[] = [
  testAccount({ name: "acme", publicKeys }),
  testAccount({
    name: "shared",
    folders: [{ path: "/shared", prefix: "common/shared" }],
    permissions: permissionsOf("shared", ["/inbox/*", "allow-write"], ["/shared/*", "allow-read"]),
    publicKeys,
  }),
  testAccount({ name: "nobody", enabled: false, publicKeys }),
  testAccount({ name: "late", expiresAtMs: Date.parse("2026-01-01T00:00:00Z"), publicKeys }),
  testAccount({ name: "office", sources: ["198.51.100.0/24"], publicKeys }),
  testAccount({ name: "nested", folders: ["/a", "/a/b"].map((path) => ({ path, prefix: "x" })) }),
  testAccount({
    name: "many",
    permissions: permissionsOf(
      "many",
      ...Array.from({ length: 90 }, (_, index) => [`/folder-${index}/*`, "allow-read"]),
    ),
  }),
];

const asked = (changes: Partial<TransferFamilyAuthorizerEvent>): TransferFamilyAuthorizerEvent => ({
  username: "acme",
  password: "password",
  protocol: "SFTP",
  serverId: "s-1234567890abcdef0",
  sourceIp: "203.0.113.7",
  ...changes,
});

/** As the function asks and answers. */
async function answerTo(event: TransferFamilyAuthorizerEvent) {
  const services = createMemoryServices(accounts);
  const { username, password, sourceIp } = event;
  const login = {
    username,
    password: password === "" ? undefined : password,
    protocol: "sftp" as const,
    peer: { address: sourceIp, port: 0 },
  };
  const account = await loginAtManagedServer(services, login);
  const method = login.password === undefined ? "public-key" : "password";
  const { result, warnings } = account ? managedAnswerOf(account, method, server) : { result: {}, warnings: [] };
  return { result, warnings, events: services.accounting.events };
}

const chroot = '[{"Entry":"/","Target":"/files/acme"}]';

/** What is asked, and what of the answer is not the policy. */
const table: readonly (readonly [
  string,
  Partial<TransferFamilyAuthorizerEvent>,
  Omit<TransferFamilyAuthorizerResult, "Policy">,
])[] = [
  [
    "a right password, and no key in the answer",
    {},
    { Role: server.role, HomeDirectoryType: "LOGICAL", HomeDirectoryDetails: chroot },
  ],
  [
    "no password: a client with a key, and the keys it may have",
    { password: "" },
    {
      Role: server.role,
      HomeDirectoryType: "LOGICAL",
      HomeDirectoryDetails: chroot,
      PublicKeys: ["ssh-ed25519 AAAA"],
    },
  ],
  [
    "virtual folders, beside those of the home that rules name",
    { username: "shared", password: "" },
    {
      Role: server.role,
      HomeDirectoryType: "LOGICAL",
      HomeDirectoryDetails: JSON.stringify([
        { Entry: "/shared", Target: "/files/common/shared" },
        { Entry: "/inbox", Target: "/files/shared/inbox" },
      ]),
      PublicKeys: ["ssh-ed25519 AAAA"],
    },
  ],
  ["a wrong password", { password: "wrong" }, {}],
  ["an unknown name", { username: "stranger" }, {}],
  ["an unknown name and a key", { username: "stranger", password: "" }, {}],
  ["a disabled account", { username: "nobody" }, {}],
  ["a disabled account and a key", { username: "nobody", password: "" }, {}],
  ["an account that has expired", { username: "late" }, {}],
  ["an address that is not the account's", { username: "office" }, {}],
  ["an address that is not the account's and a key", { username: "office", password: "" }, {}],
  ["an account without keys, and a key", { username: "nested", password: "" }, {}],
  ["folders inside folders, which a managed server does not know", { username: "nested" }, {}],
  ["rules that make too long a policy", { username: "many" }, {}],
];

describe("AWS Transfer Family's custom identity provider", () => {
  for (const [title, event, expected] of table) {
    it(`is answered: ${title}`, async () => {
      const { result } = await answerTo(asked(event));
      const { Policy: policy, ...rest } = result;
      assert.deepEqual(rest, expected);
      assert.equal(policy !== undefined, expected.Role !== undefined);
    });
  }

  it("finds a password without a key in the answer, also where the event has no such member", async () => {
    const { password: _, ...event } = asked({});
    assert.deepEqual((await answerTo(event)).result.PublicKeys, ["ssh-ed25519 AAAA"]);
  });

  it("has refusals and logins with a password on record", async () => {
    const recorded = async (event: Partial<TransferFamilyAuthorizerEvent>) => {
      const { events } = await answerTo(asked(event));
      return events.map(({ type, protocol, peer, data }) => [type, protocol, peer?.address, data.method, data.reason]);
    };
    const from = ["sftp", "203.0.113.7"];
    assert.deepEqual(await recorded({}), [["authentication.succeeded", ...from, "password", undefined]]);
    assert.deepEqual(await recorded({ password: "x" }), [
      ["authentication.failed", ...from, "password", "wrong-password"],
    ]);
    assert.deepEqual(await recorded({ username: "office", password: "" }), [
      ["authentication.failed", ...from, "public-key", "source-refused"],
    ]);
    assert.deepEqual(await recorded({ password: "" }), []);
  });

  it("allows of each folder what the rules allow", async () => {
    const { result, warnings } = await answerTo(asked({ username: "shared", password: "" }));
    const verdicts = ["common/shared/a", "shared/inbox/a", "shared/other/a", "acme/a"].map((place) =>
      ["s3:GetObject", "s3:PutObject"].filter((action) =>
        isAllowed(result.Policy ?? "", { action, resource: `arn:aws:s3:::files/${place}` }),
      ),
    );
    assert.deepEqual(verdicts, [["s3:GetObject"], ["s3:PutObject"], [], []]);
    assert.match(warnings.join("\n"), /shared sees its virtual folders and those that its rules name/);
  });

  it("says why it refuses what it cannot show", async () => {
    assert.match((await answerTo(asked({ username: "nested" }))).warnings.join(), /nested sees \/a\/b inside \/a/);
    assert.match((await answerTo(asked({ username: "many" }))).warnings.join(), /AWS takes 2048/);
  });
});

test("an account without virtual folders sees its home as the root", () => {
  assert.deepEqual(mountsOf(testAccount({ name: "a", home: "" })), [{ path: "/", prefix: "" }]);
});

test("what a managed server asks is told from what the gateway asks", () => {
  assert.ok(isTransferFamilyEvent(asked({})));
  for (const other of [undefined, null, "x", {}, { v: 1, username: "acme" }, { ...asked({}), serverId: 1 }]) {
    assert.ok(!isTransferFamilyEvent(other));
  }
});
