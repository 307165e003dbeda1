import { z } from "zod";
import { externalAuthenticationSeconds } from "../../adapters/aws/env.ts";
import {
  connectorUrl,
  emailAddress,
  endpointUrl,
  hostKey,
  imageUri,
  ipv4Network,
  logDays,
  mailIdentity,
  passiveRange,
  prefix,
} from "./values.ts";

const subnet = z.strictObject({
  /** `subnet-…`. */
  id: z.string().regex(/^subnet-[0-9a-f]{8,17}$/, "is not the id of a subnet"),
  /** Its Availability Zone, `eu-central-1a`. */
  zone: z.string(),
  cidr: ipv4Network,
});

const ownNetwork = z.strictObject({
  kind: z.literal("own"),
  /** Of the whole VPC, at most a /22: the tasks get a /24 in each zone, the load balancer a /27. */
  cidr: ipv4Network,
});

const importedNetwork = z.strictObject({
  kind: z.literal("imported"),
  vpcId: z.string().regex(/^vpc-[0-9a-f]{8,17}$/, "is not the id of a VPC"),
  /** Of the VPC; the subnets lie in it. */
  cidr: ipv4Network,
  /** Where the load balancer's addresses stand, one a zone: a route to an internet gateway, nothing else in it. */
  edgeSubnets: z.array(subnet),
  /** Where the tasks run, one a zone: no route to the internet. */
  gatewaySubnets: z.array(subnet),
  /** `present`: the VPC has the endpoints already. `create`: they are placed, with these subnets' route tables. */
  endpoints: z.enum(["present", "create"]).default("present"),
  /** Route tables of the gateway subnets; `endpoints: create` enters S3 and DynamoDB there. */
  routeTableIds: z.array(z.string().regex(/^rtb-[0-9a-f]{8,17}$/, "is not the id of a route table")).default([]),
});

const fixedAddress = z.strictObject({
  allocationId: z.string().regex(/^eipalloc-[0-9a-f]{8,17}$/, "is not the allocation id of an Elastic IP address"),
  address: z.ipv4(),
});

const tasks = z.strictObject({ min: z.int().min(1).max(50), max: z.int().min(1).max(50) });

const poolShape = {
  /** vCPU units of a task: 1024 is one. Only Fargate's pairs with `memoryMiB` are accepted. */
  cpu: z.int().default(1024),
  memoryMiB: z.int().default(2048),
  /** Tasks run at least and at most; in between the processors' load decides. */
  tasks,
};

const pool = z.strictObject({
  /** Enters the names of resources: renaming a pool replaces it. */
  name: z.string().regex(/^[a-z][a-z0-9]{0,15}$/, "is not a name of up to 16 lower-case letters and digits"),
  /** The pool's share of new connections, against the sum of all; 0 takes none. */
  weight: z.int().min(0).max(999),
  ...poolShape,
  /** `spot` is cheaper and may be taken away with two minutes' notice. */
  capacity: z.enum(["on-demand", "spot"]).default("on-demand"),
  /** Another image for this pool, in ECR: a new release for a part of the connections. */
  image: imageUri.optional(),
});

const corporate = z.strictObject({
  /** Networks of the corporate side that reach the internal load balancer. */
  sources: z.array(ipv4Network).min(1).max(15),
  ...poolShape,
});

const port = z.int().min(1).max(65535);

const gateway = z.strictObject({
  /**
   * Image of the container, by its URI in Amazon ECR in the stage's Region; in an imported network whose tasks have a
   * way to it, of any registry. Without it, it is built from gateway/Dockerfile at deployment, which needs Docker.
   */
  image: imageUri.optional(),
  /** `active-passive`: one task serves and the others stand by; see docs/aws/deploy.md. */
  mode: z.enum(["active-active", "active-passive"]).default("active-active"),
  pools: z.array(pool).min(1).max(5),
  /** A pool of its own behind an internal load balancer. */
  corporate: corporate.optional(),
  sftpPort: port.default(22),
  /** What SFTP offers; `compatible` also what clients of years ago need. */
  sftpAlgorithms: z.enum(["strict", "compatible"]).default("strict"),
  ftpsPort: port.default(21),
  ftpsImplicitPort: port.default(990),
  /** `FIRST-LAST`: each is a listener, and as many data connections of one client can be awaited at once. */
  passivePorts: passiveRange.default("50000-50019"),
  /** What PASV names: `first` of the fixed addresses, or `control` for that of the control connection. */
  passiveAddress: z.enum(["first", "control"]).default("first"),
  drain: z
    .strictObject({
      /** How long a task that is replaced keeps its connections; each step of a deployment takes as long. */
      minutes: z.int().min(0).max(60).default(15),
      /** Then it is told to end, and has this long. Fargate allows 120. */
      stopSeconds: z.int().min(2).max(120).default(120),
      /**
       * How long at a stretch transfers keep their task from being ended by a scale-in or a deployment, which takes as
       * long then; 0 for not at all.
       */
      protectMinutes: z.int().min(0).max(120).default(60),
    })
    .prefault({}),
  /** A name of yours for the load balancer, shown to partners; with `dns` its record is made. */
  hostName: z.hostname().optional(),
});

const sources = z.strictObject({
  /** Networks that may connect; without it, all. Each takes one rule for every range of ports. */
  allowed: z.array(ipv4Network).min(1).optional(),
  /** Networks that are turned away at the subnet's edge, before the load balancer. */
  blocked: z.array(ipv4Network).max(15).default([]),
  /** The account's quota of rules in a security group. */
  rulesQuota: z.int().min(60).max(1000).default(60),
});

const api = z.strictObject({
  /** Requests a second that are let in, and how many at once. */
  rate: z.int().min(1).max(10_000).default(50),
  burst: z.int().min(1).max(5_000).default(100),
  /** A domain of yours, with its certificate in the same Region. */
  domain: z.strictObject({ name: z.hostname(), certificateArn: z.string() }).optional(),
  /**
   * API Gateway asks the authorize function about the token before it calls the API at all. Passwords (Basic) are then
   * taken by `POST /v1/sessions` only.
   */
  tokensOnly: z.boolean().default(false),
});

const dns = z.strictObject({
  /** A public hosted zone of Route 53 that exists; `gateway.hostName` and `api.domain.name` get records in it. */
  hostedZoneId: z.string().regex(/^Z[A-Z0-9]{1,31}$/, "is not the id of a hosted zone, such as Z0123456789ABCDEFGHIJ"),
  zoneName: z.hostname(),
});

const mail = z.strictObject({
  /** The sender of alerts. */
  from: emailAddress,
  /** What SES verifies: the sender's domain, or that address itself. */
  identity: mailIdentity,
  /** Who hears of the alarms. */
  alarms: z.array(emailAddress).min(1).max(10),
});

const authentication = z.strictObject({
  /** An endpoint of yours that is asked about logins of names that are not on file; see docs/authentication.md. */
  http: z
    .strictObject({
      /** The first that answers decides. Passwords and tokens for them are headers, which stand in a secret. */
      urls: z.array(endpointUrl).min(1).max(5),
      /** How long each has for its answer; all together, 15 seconds. */
      timeoutSeconds: z.number().min(1).max(externalAuthenticationSeconds).default(5),
      /** The group of accounts about which the endpoint names none. */
      defaultGroup: z.string().min(1).max(64).optional(),
    })
    .optional(),
});

const pgpKey = z.strictObject({
  /** As dispatch rules name it. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/, "is not a name of up to 64 characters"),
  /** `private`: one of yours, which decrypts and signs; `public`: one of a partner. */
  kind: z.enum(["private", "public"]),
});

const scan = z.strictObject({
  kind: z.enum(["guardduty", "none"]).default("none"),
  /** Prefixes in the bucket that are scanned; none means all of it. */
  prefixes: z.array(prefix).max(5).default([]),
  /** `infected`: such files cannot be read. `until-clean`: nor can any that is not scanned yet, which shows to clients
   * that look at a file right after its upload. */
  deny: z.enum(["infected", "until-clean"]).default("infected"),
});

const retention = z.strictObject({
  logDays: logDays.default(90),
  /** Of the bus's archive, from which events can be replayed. */
  eventDays: z.int().min(1).max(3650).default(365),
  /** Of versions of files that were overwritten or deleted. */
  versionDays: z.int().min(1).max(3650).default(30),
  /** Of infected files in quarantine. */
  quarantineDays: z.int().min(1).max(3650).default(30),
  /** Days in which nobody can delete the audit archive (S3 Object Lock, governance); 0 for none. */
  auditLockDays: z.int().min(0).max(3650).default(0),
});

const connector = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, "is not a name of lower-case letters, digits and hyphens"),
  url: connectorUrl,
  /** Secret with `{"Username", "Password" | "PrivateKey"}`; `aws/transfer/…`. */
  secretArn: z.string(),
  /** The remote server's host keys, as in known_hosts. */
  trustedHostKeys: z.array(hostKey).min(1).max(10),
});

const managedTransfer = z.strictObject({
  /**
   * A server of AWS Transfer Family that asks the same custom-auth function: SFTP at a public address of AWS. FTPS
   * there
   * would need an endpoint in a VPC with addresses of its own; that is what the gateway is for.
   */
  server: z.boolean().default(false),
  connectors: z.array(connector).max(20).default([]),
});

/** The sections of a stage's configuration; each is checked alone first. */
export const stageSections = {
  /** Begins the names of the stacks. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,19}$/, "is not a name of up to 20 lower-case letters, digits and hyphens"),
  /** Without it, the account of the credentials that deploy. */
  account: z
    .string()
    .regex(/^\d{12}$/, "is not 12 digits")
    .optional(),
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "is not the name of a Region"),
  /** Two or three Availability Zones, by name. */
  zones: z.array(z.string()).min(2).max(3),
  network: z.discriminatedUnion("kind", [ownNetwork, importedNetwork]),
  /** Elastic IP addresses that exist, one a zone, in the order of the zones; without it, new ones are made and kept. */
  addresses: z.array(fixedAddress).optional(),
  sources: sources.prefault({}),
  gateway,
  api: api.prefault({}),
  /** Without it, the records of the names above are yours to keep. */
  dns: dns.optional(),
  mail,
  authentication: authentication.prefault({}),
  /** OpenPGP keys of dispatch rules. The keys themselves stand in one secret, which takes 64 KiB. */
  pgpKeys: z.array(pgpKey).max(50).default([]),
  scan: scan.prefault({}),
  retention: retention.prefault({}),
  managedTransfer: managedTransfer.prefault({}),
  /** Tags of every resource. */
  tags: z.record(z.string(), z.string()).default({}),
} as const;

const stageSchema = z.strictObject(stageSections);

/** What a file of `config/` holds; what is left out has the default above. */
export type StageConfiguration = z.input<typeof stageSchema>;

/** A configuration that was checked, with its defaults. */
export type Stage = z.output<typeof stageSchema>;

export type Pool = Stage["gateway"]["pools"][number];
export type CorporateSide = NonNullable<Stage["gateway"]["corporate"]>;
export type ImportedSubnet = z.output<typeof subnet>;
