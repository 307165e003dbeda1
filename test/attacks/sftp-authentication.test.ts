import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import ssh2, { type AuthHandlerMiddleware, type Client, type ConnectConfig, type ParsedKey } from "ssh2";
import { disconnectReason } from "../../protocols/sftp/ssh2-internals.ts";
import { closedWith, type KeyPair, keyPair, type Rig, startRig, until } from "../protocols/sftp/rig.ts";
import { testAccount } from "../support/memory-ports.ts";

const alice = keyPair();
const bob = keyPair();
const rsa = keyPair("rsa");
const ecdsa = keyPair("ecdsa");

/** What of ssh2's client is needed to send what an honest client would not. */
interface ClientInternals {
  readonly _protocol: {
    authPK(user: string, publicKey: ParsedKey, algorithm: string | undefined, sign?: undefined): void;
    authPassword(user: string, password: string, newPassword?: string): void;
    authNone(user: string): void;
    session(channel: number, window: number, packetBytes: number): void;
    readonly _handlers: Record<string, (...args: unknown[]) => void>;
  };
}

const inside = (client: Client) => (client as unknown as ClientInternals)._protocol;

function parsed({ privateKey }: KeyPair): ParsedKey {
  const result: ParsedKey | Error = ssh2.utils.parseKey(privateKey);
  if (result instanceof Error) throw result;
  return result;
}

/** The same key with some of its methods replaced. */
function forged(privateKey: ParsedKey, methods: Partial<ParsedKey>): ParsedKey {
  return Object.create(privateKey, Object.getOwnPropertyDescriptors(methods)) as ParsedKey;
}

let rig: Rig;
before(async () => {
  rig = await startRig({
    accounts: [
      testAccount({ name: "alice", publicKeys: [alice.account, rsa.account, ecdsa.account] }),
      testAccount({ name: "bob", publicKeys: [bob.account], passwordHash: undefined }),
    ],
    limits: { authenticationMs: 10_000 },
  });
});
after(() => rig.stop());

/** Tries each method once; resolves with whether one of them was accepted. */
async function logsIn(username: string, ...attempts: object[]): Promise<boolean> {
  const client = rig.client();
  const rest = [...attempts];
  const authHandler = ((_: unknown, __: unknown, next: (attempt: unknown) => void) => {
    next(rest.length > 0 ? { username, ...rest.shift() } : false);
  }) as unknown as AuthHandlerMiddleware;
  client.connect({ ...rig.endpoint, username, authHandler });
  const ready = once(client, "ready").then(
    () => true,
    () => false,
  );
  const isIn = await ready;
  client.end();
  return isIn;
}

const withKey = (privateKey: ParsedKey) => ({ type: "publickey", key: privateKey });

/** A client that has exchanged keys and asked nothing. */
async function beforeLogin(config: ConnectConfig = {}): Promise<Client> {
  const client = rig.client();
  client.connect({ ...rig.endpoint, username: "alice", authHandler: () => {}, ...config });
  await once(client, "handshake");
  // The request for the authentication service is answered in its turn, before anything that follows.
  return client;
}

const eventsOf = (type: string) => rig.services.accounting.events.filter((event) => event.type === type);

describe("a public key", () => {
  it("logs in with a signature, of every kind that SSH clients make", async () => {
    for (const pair of [alice, rsa, ecdsa]) assert.equal(await logsIn("alice", withKey(parsed(pair))), true);
  });

  it("that is only offered does not log in and leaves nothing behind", async () => {
    const client = await beforeLogin();
    const before = rig.services.accounting.events.length;
    const welcome = new Promise((resolve) => {
      inside(client)._handlers.USERAUTH_PK_OK = resolve;
    });
    inside(client).authPK("alice", parsed(alice), undefined);
    await welcome;
    const refused = new Promise((resolve) => {
      inside(client)._handlers.CHANNEL_OPEN_FAILURE = resolve;
    });
    inside(client).session(0, 2 ** 21, 2 ** 15);
    await refused;
    assert.equal(rig.services.accounting.events.length, before, "an offer is no event");
    assert.equal(rig.registry.countOf("alice"), 0);
    client.destroy();
  });

  it("that is not the account's is one refused login, however many of them the client offers", async () => {
    const refusals = () => eventsOf("authentication.failed").filter(({ data }) => data.method === "public-key");
    const before = refusals().length;
    assert.equal(await logsIn("bob", withKey(parsed(alice)), withKey(parsed(rsa))), false);
    await until(() => refusals().length > before);
    const refused = refusals().at(-1);
    assert.deepEqual(refused?.data, { username: "bob", method: "public-key", reason: "unknown-public-key" });
    assert.deepEqual(refused?.account, { name: "bob", groups: [] });
    assert.equal(await logsIn("alice", withKey(parsed(bob)), withKey(parsed(alice))), true);
    await until(() => rig.registry.countOf("alice") === 0);
    assert.equal(refusals().length, before + 1, "a client that logs in may have other keys too");
  });

  it("of one account does not log in as another", async () => {
    assert.equal(await logsIn("bob", withKey(parsed(alice))), false);
    assert.equal(await logsIn("alice", withKey(parsed(bob))), false);
  });

  it("does not log in with the signature of another key", async () => {
    const signsWithBob = forged(parsed(alice), { sign: (data, algorithm) => parsed(bob).sign(data, algorithm) });
    assert.equal(await logsIn("alice", withKey(signsWithBob)), false);
  });

  it("does not log in with a signature for another session, another account, or of nothing", async () => {
    const changes: ((data: Buffer) => Buffer)[] = [
      // The session identifier comes first (RFC 4252 §7): 4 bytes of length, then the hash.
      (data) => Buffer.concat([data.subarray(0, 4), Buffer.alloc(32, 7), data.subarray(36)]),
      (data) => Buffer.from(data.toString("latin1").replace("alice", "admin"), "latin1"),
      () => Buffer.alloc(0),
    ];
    for (const change of changes) {
      const forgery = forged(parsed(alice), { sign: (data) => parsed(alice).sign(change(Buffer.from(data))) });
      assert.equal(await logsIn("alice", withKey(forgery)), false);
    }
  });

  it("does not log in with an empty or damaged signature", async () => {
    for (const signature of [Buffer.alloc(0), Buffer.alloc(64), Buffer.alloc(63, 1)]) {
      assert.equal(await logsIn("alice", withKey(forged(parsed(alice), { sign: () => signature }))), false);
    }
  });

  it("of RSA does not log in with SHA-1", async () => {
    const client = await beforeLogin();
    const answers: string[] = [];
    for (const name of ["USERAUTH_PK_OK", "USERAUTH_FAILURE"]) {
      inside(client)._handlers[name] = () => answers.push(name);
    }
    inside(client).authPK("alice", parsed(rsa), "ssh-rsa");
    await until(() => answers.length === 1);
    inside(client).authPK("alice", parsed(rsa), "rsa-sha2-256");
    await until(() => answers.length === 2);
    assert.deepEqual(answers, ["USERAUTH_FAILURE", "USERAUTH_PK_OK"]);
    client.destroy();
  });

  it("whose bytes are of another kind than it says is refused", async () => {
    const client = await beforeLogin();
    const answers: string[] = [];
    for (const name of ["USERAUTH_PK_OK", "USERAUTH_FAILURE"]) {
      inside(client)._handlers[name] = () => answers.push(name);
    }
    const disguised: [string, Buffer][] = [
      ["ssh-ed25519", parsed(rsa).getPublicSSH()],
      ["rsa-sha2-512", parsed(alice).getPublicSSH()],
      ["ssh-ed25519", Buffer.from(`ssh-ed25519 ${alice.account.blob}`)],
      ["ssh-ed25519", Buffer.from(alice.privateKey)],
      ["ssh-ed25519", Buffer.alloc(0)],
      ["ssh-ed25519", Buffer.concat([parsed(alice).getPublicSSH(), Buffer.alloc(1)])],
      ["ssh-dss", parsed(alice).getPublicSSH()],
    ];
    for (const [algorithm, blob] of disguised) {
      inside(client).authPK("alice", forged(parsed(alice), { getPublicSSH: () => blob }), algorithm);
    }
    await until(() => answers.length === disguised.length);
    assert.ok(answers.every((answer) => answer === "USERAUTH_FAILURE"));
    client.destroy();
  });
});

describe("a password", () => {
  const password = (text: string) => ({ type: "password", password: text });

  it("logs in as password and as the answer to a prompt", async () => {
    assert.equal(await logsIn("alice", password("password")), true);
    const prompts: unknown[] = [];
    const prompt = (...[, , , asked, answer]: [unknown, unknown, unknown, unknown[], (texts: string[]) => void]) => {
      prompts.push(...asked);
      answer(["password"]);
    };
    assert.equal(await logsIn("alice", { type: "keyboard-interactive", prompt }), true);
    assert.deepEqual(prompts, [{ prompt: "Password: ", echo: false }]);
  });

  it("that is wrong is refused the same way, whoever it is for, and goes on record", async () => {
    const before = eventsOf("authentication.failed").length;
    for (const username of ["alice", "bob", "nobody", "", "x".repeat(3000)]) {
      assert.equal(await logsIn(username, password("wrong")), false);
    }
    const failures = eventsOf("authentication.failed").slice(before);
    assert.equal(failures.length, 5);
    for (const { data } of failures) assert.ok(String(data.username).length <= 65);
    assert.doesNotMatch(JSON.stringify(failures), /wrong"|"password":/);
  });

  it("cannot be changed", async () => {
    const client = await beforeLogin();
    const refused = new Promise((resolve) => {
      inside(client)._handlers.USERAUTH_FAILURE = resolve;
    });
    inside(client).authPassword("alice", "password", "other");
    await refused;
    client.destroy();
  });

  it("answers nothing to a prompt that has none, or too many answers", async () => {
    for (const texts of [[], ["password", "password"]]) {
      const prompt = (...[, , , , answer]: [unknown, unknown, unknown, unknown, (given: string[]) => void]) =>
        answer(texts);
      assert.equal(await logsIn("alice", { type: "keyboard-interactive", prompt }), false);
    }
  });
});

describe("a client that tries again and again", () => {
  it("is disconnected with the reason after the last attempt", async () => {
    const before = eventsOf("authentication.failed").length;
    const client = await beforeLogin();
    const ended = closedWith(client);
    let failures = 0;
    inside(client)._handlers.USERAUTH_FAILURE = () => {
      failures += 1;
      inside(client).authPassword("alice", `guess ${failures}`);
    };
    inside(client).authPassword("alice", "guess 0");
    const error = await ended;
    assert.equal(error?.code, disconnectReason.noMoreAuthenticationMethods);
    assert.equal(failures, 5);
    assert.equal(eventsOf("authentication.failed").length - before, 6);
  });

  it("may offer the keys of an agent, but not endlessly, and questions are free", async () => {
    const strangers = Array.from({ length: 19 }, () => withKey(parsed(keyPair())));
    const questions = Array.from({ length: 10 }, () => ({ type: "none" }));
    assert.equal(await logsIn("alice", ...questions, ...strangers, withKey(parsed(alice))), true);
    const more = [...strangers, withKey(parsed(keyPair())), withKey(parsed(alice))];
    assert.equal(await logsIn("alice", ...more), false);
  });

  it("under another name on the same connection is disconnected", async () => {
    const client = await beforeLogin();
    inside(client)._handlers.USERAUTH_FAILURE = () => inside(client).authPassword("alice", "password");
    const ended = closedWith(client);
    inside(client).authPassword("bob", "wrong");
    assert.equal((await ended)?.code, disconnectReason.protocolError);
    assert.equal(rig.registry.countOf("alice"), 0);
  });

  it("with many requests at once gets an answer to each, and is in only once", async () => {
    const client = await beforeLogin();
    let failures = 0;
    inside(client)._handlers.USERAUTH_FAILURE = () => (failures += 1);
    const isIn = new Promise((resolve) => {
      inside(client)._handlers.USERAUTH_SUCCESS = resolve;
    });
    const before = eventsOf("authentication.succeeded").length;
    for (const text of ["a", "b", "c"]) inside(client).authPassword("alice", text);
    await until(() => failures === 3);
    inside(client).authPassword("alice", "password");
    inside(client).authPassword("alice", "password");
    await isIn;
    const closed = closedWith(client);
    client.end();
    await closed;
    assert.equal(eventsOf("authentication.succeeded").length - before, 1);
  });
});

describe("a check that fails for reasons of its own", () => {
  it("is answered as a refusal, and the operator hears of it", async () => {
    const broken = await startRig({
      changes: {
        accounts: {
          find: async () => {
            throw new Error("directory secret");
          },
        },
      },
    });
    const client = broken.client();
    client.connect({ ...broken.endpoint, username: "tester", password: "password" });
    assert.equal((await closedWith(client))?.level, "client-authentication");
    const [logged] = broken.services.runtime.logged.filter(({ level }) => level === "error");
    assert.match(JSON.stringify(logged), /directory secret/);
    await broken.stop();
  });
});
