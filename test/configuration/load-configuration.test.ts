import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { hostname } from "node:os";
import { after, test } from "node:test";
import fc from "fast-check";
import ssh2 from "ssh2";
import { parse } from "yaml";
import { loadConfiguration } from "../../adapters/node/configuration/load-configuration.ts";
import { hostKeyMakers } from "../../adapters/node/host-keys.ts";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../../adapters/node/tls-certificate.ts";
import type { Account } from "../../core/account.ts";
import type { DispatchStep } from "../../core/dispatch.ts";
import { decide } from "../../core/permission.ts";
import { parseVirtualPath } from "../../core/virtual-path.ts";
import { createTestAuthority } from "../support/certificates.ts";
import { exampleConfiguration, examplePublicKey } from "./example.ts";
import { passwordHash, Workspace } from "./workspace.ts";

const workspace = new Workspace();
after(() => workspace[Symbol.dispose]());

function summary(step: DispatchStep): string {
  return step.action === "move" || step.action === "copy"
    ? `${step.action} ${step.to.source} ${step.overwrite}`
    : step.action;
}

function accountOf(yaml: string, environment: Readonly<Record<string, string>> = {}): Account {
  const account = workspace.load(`accounts:\n  - name: acme\n    ${yaml}\n`, environment).accounts.get("acme");
  assert.ok(account);
  return account;
}

test("the example of the contract loads", () => {
  const { server, accounts, dispatch, alerts, mail, groups } = workspace.load(exampleConfiguration);
  assert.deepEqual(server, {
    name: hostname(),
    sftp: { listen: { host: "127.0.0.1", port: 2222 }, hostKeys: undefined, algorithms: "strict" },
    ftps: {
      listen: { host: "127.0.0.1", port: 2121 },
      implicit: { host: "127.0.0.1", port: 2990 },
      passivePorts: { first: 50000, last: 50019 },
      passiveAddress: undefined,
      tls: undefined,
      sessionReuse: "preferred",
      clearData: false,
      plain: false,
      clientCertificates: undefined,
    },
    http: { listen: { host: "127.0.0.1", port: 8080 }, tls: undefined },
  });
  const acme = accounts.get("acme");
  assert.ok(acme);
  assert.deepEqual([...accounts.keys()], ["acme"]);
  assert.deepEqual([...groups.keys()], ["partners"]);
  assert.equal(acme.passwordHash, passwordHash);
  assert.equal(acme.publicKeys[0]?.algorithm, "ssh-ed25519");
  assert.equal(acme.publicKeys[0]?.comment, "acme");
  assert.equal(acme.expiresAtMs, Date.UTC(2027, 0, 31));
  assert.deepEqual(acme.sources, ["203.0.113.0/24"]);
  assert.equal(acme.home, "acme");
  assert.deepEqual(acme.folders, [{ path: "/shared", prefix: "shared" }]);
  assert.deepEqual(
    acme.groups.map(({ name, enabled }) => ({ name, enabled })),
    [{ name: "partners", enabled: true }],
  );
  assert.deepEqual(
    dispatch.map(({ when, steps, ...rule }) => ({ ...rule, when: when.written, actions: steps.map(summary) })),
    [
      {
        name: "pdfs-to-outbox",
        enabled: true,
        when: { types: ["transfer.completed"], accounts: ["acme"], path: "/inbox/*.pdf" },
        actions: ["move /outbox/ fail"],
        otherwise: [],
        continues: false,
      },
    ],
  );
  assert.ok(dispatch[0]?.when.path?.matches("/inbox/a.PDF"));
  assert.deepEqual(
    alerts.map(({ when, ...alert }) => ({ ...alert, when: when.written })),
    [
      {
        name: "refused-logins",
        enabled: true,
        when: { types: ["authentication.failed"] },
        email: {
          to: ["ops@example.com"],
          cc: [],
          bcc: [],
          subject: { source: "login refused for {account.name}" },
          readable: false,
        },
      },
    ],
  );
  assert.deepEqual(mail, { smtp: "smtp://127.0.0.1:2525", from: "ferrygate@example.com" });
});

test("alerts may have a webhook, and accounts another system", () => {
  const text = `groups: [{ name: partners }]
alerts:
  - name: hook
    when: { types: [file.deleted] }
    webhook: { url: "https://hooks.example.com", secret: { env: SECRET } }
authentication:
  http: { urls: ["https://id.example.com/a"], headers: { X-Api-Key: { env: SECRET } }, defaultGroup: partners }
`;
  const { alerts, authentication } = workspace.load(text, { SECRET: "whsec_MTIz" });
  assert.deepEqual(alerts[0]?.webhook, {
    url: "https://hooks.example.com/",
    secret: "whsec_MTIz",
    allowPrivate: false,
  });
  assert.deepEqual(authentication?.http, {
    urls: ["https://id.example.com/a"],
    timeoutSeconds: 30,
    headers: { "X-Api-Key": "whsec_MTIz" },
    defaultGroup: "partners",
    allowHttp: false,
  });
});

test("JSON says the same as YAML", () => {
  const json = JSON.stringify(parse(exampleConfiguration), undefined, 2);
  assert.deepEqual(withoutPlaces(workspace.load(json)), withoutPlaces(workspace.load(exampleConfiguration)));
  assert.deepEqual(workspace.problemsOf('{\n  "accounts": [\n    { "nam": "acme" }\n  ]\n}'), [
    '3:5: missing key "name"',
    '3:7: unknown key "nam" — did you mean "name"?',
  ]);
});

function withoutPlaces(value: unknown): string {
  const show = (_: string, part: unknown) => (part instanceof Map ? [...part] : part);
  return JSON.stringify(value, show).replace(/\(ferrygate\.yaml:\d+\)/g, "");
}

test("a file may be as short as {}", () => {
  const { server, accounts, mail } = workspace.load("{}");
  assert.deepEqual(
    [server.sftp?.listen.port, server.ftps?.listen.port, server.ftps?.implicit?.port, server.http?.listen.port],
    [2222, 2121, 2990, 8080],
  );
  assert.equal(accounts.size, 0);
  assert.equal(mail, undefined);
});

test("a protocol can be switched off, and implicit FTPS is there only when it is asked for", () => {
  const { server } = workspace.load('server: { name: edge-1, sftp: false, ftps: { listen: "[::1]:0" }, http: false }');
  assert.equal(server.name, "edge-1");
  assert.equal(server.sftp, undefined);
  assert.equal(server.http, undefined);
  assert.deepEqual(server.ftps?.listen, { host: "::1", port: 0 });
  assert.equal(server.ftps?.implicit, undefined);
  assert.equal(workspace.load("server: { ftps: { implicit: false } }").server.ftps?.implicit, undefined);
});

test("an account needs no more than its name", () => {
  assert.deepEqual(accountOf("enabled: true"), {
    name: "acme",
    groups: [],
    passwordHash: undefined,
    publicKeys: [],
    roles: [],
    enabled: true,
    expiresAtMs: undefined,
    sources: undefined,
    home: "acme",
    folders: [],
    permissions: [],
  });
});

test("dates are ISO 8601, midnight without a time and UTC without a zone", () => {
  for (const [text, expected] of [
    ["2027-01-31", Date.UTC(2027, 0, 31)],
    ["2027-01-31T10:30", Date.UTC(2027, 0, 31, 10, 30)],
    ["2027-01-31T10:30:15.250Z", Date.UTC(2027, 0, 31, 10, 30, 15, 250)],
    ["2027-01-31T10:30:00+02:00", Date.UTC(2027, 0, 31, 8, 30)],
  ] as const) {
    assert.equal(accountOf(`expires: ${text}`).expiresAtMs, expected, text);
  }
});

test("the webhooks of a rule's steps have their secrets, in what the store is given too", () => {
  const text = `dispatch:
  - name: told
    do:
      - copy: /copies/
      - webhook: { url: "https://hooks.example.com", secret: { env: SECRET } }
    otherwise:
      - webhook: { url: "https://hooks.example.com" }
`;
  const loaded = loadConfiguration(workspace.write("told.yaml", text), { SECRET: "whsec_MTIz" });
  assert.ok(loaded.ok);
  const webhook = { url: "https://hooks.example.com/", secret: "whsec_MTIz", allowPrivate: false };
  assert.deepEqual(loaded.configuration.dispatch[0]?.steps[1], { action: "webhook", webhook });
  const [entry] = loaded.entries;
  const written = { url: "https://hooks.example.com", allowPrivate: false };
  assert.deepEqual(entry?.value.do, [{ copy: "/copies/" }, { webhook: { ...written, secret: "whsec_MTIz" } }]);
  assert.deepEqual(entry?.value.otherwise, [{ webhook: written }]);
});

test("secrets come from files beside the configuration and from the environment", () => {
  workspace.write("hash.txt", `${passwordHash}\r\n`);
  assert.equal(accountOf("password: { file: hash.txt }").passwordHash, passwordHash);
  assert.equal(accountOf("password: { env: HASH }", { HASH: passwordHash }).passwordHash, passwordHash);
  const url = "smtps://user:secret@mail.example.com";
  const { mail } = workspace.load("mail: { smtp: { env: SMTP }, from: a@example.com }", { SMTP: url });
  assert.equal(mail?.smtp, url);
});

test("host keys and certificates are read and have to be what they claim", async () => {
  const hostKey = await hostKeyMakers.ed25519();
  const privateKey = createTlsPrivateKey();
  const certificate = createSelfSignedCertificate(privateKey, ["localhost"], Date.now());
  workspace.write("host.key", hostKey);
  workspace.write("tls.pem", certificate);
  workspace.write("tls.key", privateKey);
  workspace.write("other.key", createTlsPrivateKey());
  const tls = "tls: { certificate: tls.pem, privateKey: { file: tls.key } }";
  const { server } = workspace.load(`server: { sftp: { hostKeys: [host.key] }, http: { ${tls} }, ftps: { ${tls} } }`);
  assert.deepEqual(server.sftp?.hostKeys, [hostKey.trimEnd()]);
  const material = { certificate: certificate.trimEnd(), privateKey: privateKey.trimEnd() };
  assert.deepEqual([server.http?.tls, server.ftps?.tls], [material, material]);
  assert.deepEqual(workspace.problemsOf(`server: { http: { ${tls.replace("tls.key", "other.key")} } }`), [
    "1:60: the private key does not belong to the certificate",
  ]);
});

test("what FTPS asks of its clients is read, lists of authorities and revocations included", () => {
  const authority = createTestAuthority();
  const other = createTestAuthority("Other Authority");
  workspace.write("authorities.pem", `${authority.certificate}# and\n${other.certificate}`);
  workspace.write("lists.pem", authority.revocationList([authority.issue("lost")]) + other.revocationList([]));
  workspace.write("list.pem", authority.revocationList([]));
  const { ftps } = workspace.load(`server:
  ftps:
    sessionReuse: off
    clearData: true
    plain: true
    clientCertificates:
      authorities: authorities.pem
      revocationLists: [lists.pem, { file: list.pem }]
      required: true
`).server;
  assert.deepEqual([ftps?.sessionReuse, ftps?.clearData, ftps?.plain], ["off", true, true]);
  const { authorities, revocationLists, required } = ftps?.clientCertificates ?? {};
  assert.deepEqual(authorities?.match(/BEGIN CERTIFICATE/g)?.length, 2);
  assert.deepEqual([revocationLists?.length, required], [3, true]);
  const short = workspace.load("server: { ftps: { clientCertificates: { authorities: authorities.pem } } }");
  assert.deepEqual(short.server.ftps?.clientCertificates, { authorities, revocationLists: [], required: false });
});

test("authorities have to be authorities, up to a root", () => {
  const authority = createTestAuthority();
  workspace.write("client.pem", authority.certificate + authority.issue("acme").certificate);
  workspace.write("intermediate.pem", authority.authorize("Intermediate").certificate);
  const problemsWith = (file: string) =>
    workspace.problemsOf(`server: { ftps: { clientCertificates: { authorities: ${file} } } }`);
  assert.deepEqual(problemsWith("client.pem"), ['1:54: the certificate of "CN=acme" is not one of an authority']);
  assert.deepEqual(problemsWith("intermediate.pem"), [
    "1:54: there is no root in it: the list has to go up to a certificate that is its own issuer",
  ]);
});

test("a public key without its private half is no host key", () => {
  workspace.write("host.pub", examplePublicKey);
  assert.deepEqual(workspace.problemsOf("server: { sftp: { hostKeys: [host.pub] } }"), [
    "1:30: this is a public key: a host key is the private one",
  ]);
});

test("public keys of every type are taken over, with their comments", () => {
  const [algorithm = "", blob] = examplePublicKey.split(" ");
  const rows = [{ algorithm, blob }];
  for (const [type, bits] of [
    ["ecdsa", 256],
    ["ecdsa", 384],
    ["ecdsa", 521],
    ["rsa", 2048],
  ] as const) {
    const [algorithm = "", blob] = ssh2.utils.generateKeyPairSync(type as "rsa", { bits }).public.split(" ");
    rows.push({ algorithm, blob });
  }
  for (const row of rows) {
    const { publicKeys } = accountOf(`publicKeys: ["${row.algorithm} ${row.blob?.trim()} two words"]`);
    assert.deepEqual(publicKeys, [{ ...row, comment: "two words" }]);
  }
});

test("an RSA key under 2,048 bits is refused", () => {
  const { n = "", e = "" } = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });
  const fields = [
    Buffer.from("ssh-rsa"),
    Buffer.from(e, "base64url"),
    Buffer.concat([Buffer.of(0), Buffer.from(n, "base64url")]),
  ];
  const blob = Buffer.concat(fields.flatMap((field) => [lengthOf(field), field])).toString("base64");
  assert.deepEqual(workspace.problemsOf(`accounts: [{ name: a, publicKeys: ["ssh-rsa ${blob}"] }]`), [
    "1:36: an RSA key needs 2048 to 16384 bits, this one has 1024",
  ]);
});

function lengthOf(field: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(field.length);
  return length;
}

test("a damaged public key never passes for one", () => {
  const pair = ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 });
  const [algorithm = "", blob = ""] = pair.public.split(" ");
  fc.assert(
    fc.property(fc.integer({ min: 0, max: blob.length - 1 }), (length) => {
      const file = `accounts: [{ name: a, publicKeys: ["${algorithm} ${blob.slice(0, length)}"] }]`;
      assert.equal(workspace.problemsOf(file).length, 1);
    }),
  );
});

test("every rule knows where it stands", () => {
  const { accounts } = workspace.load(exampleConfiguration);
  const acme = accounts.get("acme");
  assert.deepEqual(
    acme?.permissions.map(({ label }) => label),
    [
      "account acme, permissions[0] (ferrygate.yaml:20): [allow-list, allow-read]",
      'account acme, permissions[1] (ferrygate.yaml:21): ["/inbox/*", allow-list, allow-write]',
    ],
  );
  assert.deepEqual(
    acme?.groups[0]?.permissions.map(({ label }) => label),
    ["group partners, permissions[0] (ferrygate.yaml:7): [allow-list]"],
  );
});

test("the rules of a group stand for each of its accounts with that account's name", () => {
  const variable = "$" + "{USER}";
  const { accounts } = workspace.load(
    [
      `groups: [{ name: own, permissions: [["/${variable}/*", allow-read]] }]`,
      "accounts: [{ name: a.c, groups: [own] }, { name: abc, groups: [own] }]",
    ].join("\n"),
  );
  const mayRead = (accountName: string, path: string) => {
    const account = accounts.get(accountName);
    assert.ok(account);
    const lists = { account: account.permissions, groups: account.groups.map(({ permissions }) => permissions) };
    return decide({ accountName, action: "read", path: parseVirtualPath(path) }, lists).effect;
  };
  assert.equal(mayRead("a.c", "/a.c/x"), "allow");
  assert.equal(mayRead("a.c", "/abc/x"), "deny");
  assert.equal(mayRead("abc", "/abc/x"), "allow");
});

test("anchors share what several accounts have", () => {
  const text = "accounts:\n  - { name: a, permissions: &all [[allow-list]] }\n  - { name: b, permissions: *all }\n";
  const { accounts } = workspace.load(text);
  assert.deepEqual(accounts.get("b")?.permissions[0]?.tokens, ["allow-list"]);
});
