import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SessionPolicyError, sessionPolicyOf } from "../../../../adapters/aws/transfer-family/session-policy.ts";
import type { Account } from "../../../../core/account.ts";
import { limits } from "../../../../core/limits.ts";
import { type Action, decide, PermissionRulesError, parsePermissionRules } from "../../../../core/permission.ts";
import { parseVirtualPath } from "../../../../core/virtual-path.ts";
import { testAccount } from "../../../support/memory-ports.ts";
import { isAllowed } from "./iam-policy.ts";

type Rules = readonly (readonly string[])[];

const [bucket, home] = ["files", "acme"];
const mounts = [{ path: "/", prefix: home }];

function accountOf(rules: Rules, group: Rules = []): Account {
  const name = "acme";
  const read = (list: Rules, owner: string) => parsePermissionRules(list, { owner, accountName: name });
  const groups = [{ name: "g", enabled: true, permissions: read(group, "group g") }];
  return testAccount({ name, home, permissions: read(rules, "account acme"), groups });
}

const policyOf = (rules: Rules, group?: Rules) => sessionPolicyOf({ account: accountOf(rules, group), mounts, bucket });

/** Undefined where it would be too long. */
function shortPolicyOf(rules: Rules, group: Rules): string | undefined {
  try {
    return policyOf(rules, group).policy;
  } catch (error) {
    if (error instanceof SessionPolicyError) return undefined;
    throw error;
  }
}

/** How a managed server asks S3 for each action on a path. */
const requests: readonly (readonly [Action, (place: string) => Parameters<typeof isAllowed>[1]])[] = [
  ["read", (place) => ({ action: "s3:GetObject", resource: `arn:aws:s3:::files/${place}` })],
  ["write", (place) => ({ action: "s3:PutObject", resource: `arn:aws:s3:::files/${place}` })],
  ["create-folder", (place) => ({ action: "s3:PutObject", resource: `arn:aws:s3:::files/${place}/` })],
  ["delete-file", (place) => ({ action: "s3:DeleteObject", resource: `arn:aws:s3:::files/${place}` })],
  ["delete-folder", (place) => ({ action: "s3:DeleteObject", resource: `arn:aws:s3:::files/${place}/` })],
  ["list", (place) => ({ action: "s3:ListBucket", resource: "arn:aws:s3:::files", prefix: `${place}/` })],
];

function verdictsOf(policy: string, path: string): string[] {
  const place = path === "/" ? home : home + path;
  return requests.filter(([, request]) => isAllowed(policy, request(place))).map(([action]) => action);
}

function decisionsOf(account: Account, path: string): string[] {
  const lists = { account: account.permissions, groups: account.groups.map(({ permissions }) => permissions) };
  const request = { accountName: account.name, path: parseVirtualPath(path) };
  return requests
    .map(([action]) => action)
    .filter((action) => decide({ ...request, action }, lists).effect === "allow");
}

const tokens = ["full-control", "read", "list", "write", "create-folder", "delete-file", "delete-folder"];
const granted = fc.subarray(
  tokens.map((token) => `allow-${token}`),
  { minLength: 1 },
);
const expressions = fc.oneof(
  fc.constantFrom("/inbox/*", "/INBOX/*", "/inbox", "/in*", "*.exe", "*", "/*", "/a?", "/a?*", "/[a-c]*", "*/", "*/a"),
  fc.constantFrom("m/in/", "! /inbox/*", "e/x/i", `/\${USER}/*`, "/inbox | /outbox/*", "? *", "/in*/sub/*"),
  fc
    .array(fc.constantFrom("/", "a", "B", "*", "?", "[a-c]", "$"), { minLength: 1, maxLength: 6 })
    .map((parts) => parts.join("")),
);
const pathRule = fc.tuple(expressions, granted).map(([expression, words]) => [expression, ...words]);
const globalRule = fc.option(fc.oneof(granted, fc.constant(["deny-full-control"])), { nil: undefined });
const rulesOf = fc
  .tuple(fc.array(pathRule, { maxLength: 4 }), globalRule)
  .map(([rules, global]): Rules => (global ? [...rules, global] : rules))
  .filter(isReadable);
const name = fc.constantFrom(
  "inbox",
  "INBOX",
  "Inbox",
  "outbox",
  "a",
  "ab",
  "aB",
  "b",
  "sub",
  "x.exe",
  "x.EXE",
  "acme",
);
const paths = fc.array(name, { maxLength: 3 }).map((names) => `/${names.join("/")}`);

function isReadable(rules: Rules): boolean {
  try {
    return parsePermissionRules(rules, { owner: "", accountName: "acme" }).length >= 0;
  } catch (error) {
    if (error instanceof PermissionRulesError) return false;
    throw error;
  }
}

describe("the session policy of an account", () => {
  it("never allows what its rules refuse, whatever the rules and the path", () => {
    fc.assert(
      fc.property(rulesOf, rulesOf, paths, (rules, group, path) => {
        const policy = shortPolicyOf(rules, group);
        fc.pre(policy !== undefined);
        const decisions = decisionsOf(accountOf(rules, group), path);
        for (const action of verdictsOf(policy, path)) {
          assert.ok(
            decisions.includes(action),
            `${action} of ${path} under ${JSON.stringify([rules, group])}: ${policy}`,
          );
        }
      }),
      { numRuns: 2000 },
    );
  });

  const rules: Rules = [
    ["allow-list", "allow-read"],
    ["/inbox/*", "allow-list", "allow-write"],
  ];

  it("says of plain folders what the rules say", () => {
    const { policy, warnings } = policyOf(rules);
    assert.deepEqual(verdictsOf(policy, "/"), ["list"]);
    for (const path of ["/outbox", "/outbox/a.pdf", "/inbox", "/inbox/a.pdf", "/inbox/sub/b", "/c"]) {
      const expected = decisionsOf(accountOf(rules), path);
      assert.deepEqual(verdictsOf(policy, path), expected, path);
    }
    assert.deepEqual(JSON.parse(policy), {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: "s3:ListBucket",
          Resource: "arn:aws:s3:::files",
          Condition: { StringLike: { "s3:prefix": ["acme/inbox/?*", "acme/*"] } },
        },
        { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::files/acme/?*" },
        { Effect: "Allow", Action: "s3:PutObject", Resource: "arn:aws:s3:::files/acme/inbox/?*" },
        { Effect: "Allow", Action: "s3:GetBucketLocation", Resource: "arn:aws:s3:::files" },
        { Effect: "Deny", Action: "s3:GetObject", Resource: "arn:aws:s3:::files/acme/?????/?*" },
        { Effect: "Deny", Action: "s3:PutObject", Resource: "arn:aws:s3:::files/acme/?????/?*/" },
      ],
    });
    assert.deepEqual(warnings, [
      'account acme, permissions[1]: ["/inbox/*", allow-list, allow-write]: read is also refused where other letters ' +
        "stand: IAM compares by exact case",
      'account acme, permissions[1]: ["/inbox/*", allow-list, allow-write]: ' +
        "create-folder is also refused where other " +
        "letters stand: IAM compares by exact case",
    ]);
  });

  it("is one statement for all objects where an account may do everything", () => {
    const { policy, warnings } = policyOf([["allow-full-control"]]);
    assert.deepEqual(warnings, []);
    for (const path of ["/a", "/a/b.pdf"])
      assert.deepEqual(
        verdictsOf(policy, path),
        requests.map(([one]) => one),
      );
    assert.ok(!isAllowed(policy, { action: "s3:GetObject", resource: "arn:aws:s3:::files/acme2/a" }));
    assert.ok(!isAllowed(policy, { action: "s3:ListBucket", resource: "arn:aws:s3:::files", prefix: "" }));
  });

  it("warns where IAM cannot say what a rule says", () => {
    const { warnings } = policyOf([
      ["m/^.in/", "allow-read"],
      ["/moved/*", "allow-rename", "allow-traverse"],
      ["allow-list"],
    ]);
    assert.deepEqual(warnings, [
      "account acme, permissions[2]: [allow-list]: list is not allowed, because IAM cannot say where account acme, " +
        'permissions[0]: ["m/^.in/", allow-read] is',
      'account acme, permissions[0]: ["m/^.in/", allow-read]: read is not allowed, because IAM cannot say where',
      'account acme, permissions[1]: ["/moved/*", allow-rename, allow-traverse]: a managed server renames with read, ' +
        "write and delete-file only",
      'account acme, permissions[1]: ["/moved/*", allow-rename, allow-traverse]: a ' +
        "managed server knows no allow-traverse",
    ]);
  });

  it("takes the characters of names that IAM reads otherwise as they are", () => {
    const account = { ...accountOf([["allow-read"]]), home: "a*b" };
    const { policy } = sessionPolicyOf({ account, mounts: [{ path: "/", prefix: "a*b" }], bucket });
    const reads = (place: string) =>
      isAllowed(policy, { action: "s3:GetObject", resource: `arn:aws:s3:::files/${place}` });
    assert.deepEqual(["a*b/c", "aXb/c"].map(reads), [true, false]);
  });

  it("lets the server use the key that the bucket is encrypted with", () => {
    const encryptionKey = "arn:aws:kms:eu-west-1:123456789012:key/1";
    const { policy } = sessionPolicyOf({ account: accountOf([["allow-read"]]), mounts, bucket, encryptionKey });
    assert.ok(isAllowed(policy, { action: "kms:Decrypt", resource: encryptionKey }));
  });

  it("is refused where it would be longer than AWS takes", () => {
    const many = Array.from({ length: 40 }, (_, index) => [`/folder-with-a-long-name-${index}/*`, "allow-read"]);
    assert.throws(
      () => policyOf(many),
      (error) => {
        assert.ok(error instanceof SessionPolicyError);
        assert.match(error.message, /the rules of acme make a session policy of \d{4} characters, and AWS takes 2048/);
        return true;
      },
    );
    assert.equal(limits.sessionPolicyCharacters, 2048);
  });
});
