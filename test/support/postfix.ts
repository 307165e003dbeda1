import { spawn } from "node:child_process";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../../adapters/node/tls-certificate.ts";
import { untilListening } from "../bench/servers.ts";
import { freePorts } from "./free-ports.ts";
import { mustRun } from "./run-program.ts";

/** A real mail server in a folder of the test: mail for example.com goes to one mailbox. */
export interface Postfix {
  readonly port: number;
  /** The messages in the mailbox, as soon as there are so many. */
  delivered(count: number): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** Has to be root: Postfix gives its parts other users. */
export async function startPostfix(directory: string): Promise<Postfix> {
  const home = join(directory, "postfix");
  const [queue, data, mail] = [join(home, "queue"), join(home, "data"), join(home, "mail")];
  for (const folder of [home, queue, data, mail]) await mkdir(folder);
  for (const folder of [directory, home]) await chmod(folder, 0o755);
  await mustRun("chown", ["postfix", data]);
  await mustRun("chown", ["nobody", mail]);
  const { first: port } = await freePorts(1);
  const privateKey = createTlsPrivateKey();
  const certificate = createSelfSignedCertificate(privateKey, ["127.0.0.1"], Date.now() - 60_000);
  await writeFile(join(home, "tls.pem"), privateKey + certificate, { mode: 0o600 });
  await writeFile(join(home, "main.cf"), mainSettings({ home, queue, data, mail }));
  await writeFile(join(home, "master.cf"), services(port));
  const child = spawn("/usr/sbin/postfix", ["-c", home, "start-fg"], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await untilListening(port);
  const mailbox = join(mail, "mailbox", "new");
  return {
    port,
    delivered: async (count) => {
      for (;;) {
        const names = await readdir(mailbox).catch((): string[] => []);
        if (names.length >= count) return Promise.all(names.map((name) => readFile(join(mailbox, name), "latin1")));
        await delay(50);
      }
    },
    stop: async () => {
      await mustRun("/usr/sbin/postfix", ["-c", home, "stop"]);
      await ended;
    },
  };
}

function mainSettings(folders: { home: string; queue: string; data: string; mail: string }): string {
  const { home, queue, data, mail } = folders;
  const settings = {
    compatibility_level: "3.6",
    queue_directory: queue,
    data_directory: data,
    command_directory: "/usr/sbin",
    daemon_directory: "/usr/lib/postfix/sbin",
    mail_owner: "postfix",
    setgid_group: "postdrop",
    maillog_file: join(home, "log"),
    maillog_file_prefixes: home,
    inet_interfaces: "127.0.0.1",
    inet_protocols: "ipv4",
    myhostname: "mail.example.com",
    mydestination: "",
    mynetworks: "127.0.0.0/8",
    virtual_mailbox_domains: "example.com",
    virtual_mailbox_base: mail,
    virtual_mailbox_maps: "static:mailbox/",
    virtual_uid_maps: "static:65534",
    virtual_gid_maps: "static:65534",
    virtual_minimum_uid: "1",
    smtpd_tls_chain_files: join(home, "tls.pem"),
    smtpd_tls_security_level: "may",
    smtpd_recipient_restrictions: "permit_mynetworks, reject",
    alias_maps: "",
    alias_database: "",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  return `${lines.join("\n")}\n`;
}

function services(port: number): string {
  const unix = [
    "pickup unix n - n 60 1 pickup",
    "cleanup unix n - n - 0 cleanup",
    "qmgr unix n - n 300 1 qmgr",
    "tlsmgr unix - - n 1000? 1 tlsmgr",
    "rewrite unix - - n - - trivial-rewrite",
    "bounce unix - - n - 0 bounce",
    "defer unix - - n - 0 bounce",
    "trace unix - - n - 0 bounce",
    "flush unix n - n 1000? 0 flush",
    "proxymap unix - - n - - proxymap",
    "error unix - - n - - error",
    "retry unix - - n - - error",
    "virtual unix - n n - - virtual",
    "anvil unix - - n - 1 anvil",
    "postlog unix-dgram n - n - 1 postlogd",
  ];
  return `${[`127.0.0.1:${port} inet n - n - - smtpd`, ...unix].join("\n")}\n`;
}
