/**
 * What places the product (lib) and what runs there (gateway, lambdas) agree on: the names of environment variables
 * and the partitions of the table. Nothing else is shared between the two sides.
 */

/** Environment variables of the gateway's container and of the functions. Each part reads only those it needs. */
export const environmentNames = {
  /** How events name this server; the container adds the id of its task. */
  serverName: "FERRYGATE_SERVER_NAME",
  /** Bucket of the partners' files. */
  dataBucket: "FERRYGATE_DATA_BUCKET",
  /** The one DynamoDB table: see {@link partitions}. */
  table: "FERRYGATE_TABLE",
  /** Name of the event bus that takes accounting events. */
  eventBus: "FERRYGATE_EVENT_BUS",
  /** The custom-auth function, which the container asks about every login. */
  authFunction: "FERRYGATE_AUTH_FUNCTION",
  /** Secret with the SSH host keys: JSON `{"ed25519": PEM, "rsa": PEM}`. */
  hostKeysSecret: "FERRYGATE_HOST_KEYS_SECRET",
  /** Secret with the certificate of FTPS: JSON `{"certificate": PEM chain, "privateKey": PEM}`. */
  tlsSecret: "FERRYGATE_TLS_SECRET",
  /** Secret with what signs HTTP session tokens: JSON `{"current": JWK, "previous": JWK?}`. */
  tokenKeysSecret: "FERRYGATE_TOKEN_KEYS_SECRET",
  /** Ports that the container listens on; a protocol without a port is not served. */
  sftpPort: "FERRYGATE_SFTP_PORT",
  /** What SFTP offers: `strict`, or `compatible` with clients of years ago. */
  sftpAlgorithms: "FERRYGATE_SFTP_ALGORITHMS",
  ftpsPort: "FERRYGATE_FTPS_PORT",
  ftpsImplicitPort: "FERRYGATE_FTPS_IMPLICIT_PORT",
  /** The one port on which FTPS data connections and relayed connections arrive, each behind a PROXY v2 header. */
  dataPort: "FERRYGATE_DATA_PORT",
  /** `/health`, `/ready`, `/metrics`. */
  healthPort: "FERRYGATE_HEALTH_PORT",
  /** First and last of the load balancer's passive ports, `50000-50019`. */
  passivePorts: "FERRYGATE_PASSIVE_PORTS",
  /**
   * What PASV names: an IPv4 address, or `0.0.0.0` for "that of the control connection"; or one for each availability
   * zone, `eu-west-1a=192.0.2.1,eu-west-1b=192.0.2.2`, of which a task names that of its own.
   */
  passiveAddress: "FERRYGATE_PASSIVE_ADDRESS",
  /** Networks from which a PROXY header is believed, joined by commas: the load balancer's subnets and the tasks'. */
  trustedProxies: "FERRYGATE_TRUSTED_PROXIES",
  /** Whether FTPS data connections resume the TLS session of their control connection: `required` or `preferred`. */
  ftpsSessionReuse: "FERRYGATE_FTPS_SESSION_REUSE",
  /** `active-active` or `active-passive`. */
  availability: "FERRYGATE_AVAILABILITY",
  /** How long a stopping container waits for its sessions: less than the task's stop timeout, 110 without it. */
  drainSeconds: "FERRYGATE_DRAIN_SECONDS",
  /** Minutes at a stretch for which transfers keep a task from being ended by a scale-in or a deployment; or 0. */
  protectMinutes: "FERRYGATE_PROTECT_MINUTES",
  /** The address to listen on, all of them without it; and where other tasks find this one, if not as ECS says. */
  listenAddress: "FERRYGATE_LISTEN_ADDRESS",
  taskAddress: "FERRYGATE_TASK_ADDRESS",
  /** Where alerts come from: a verified SES identity. */
  mailFrom: "FERRYGATE_MAIL_FROM",
  /** Bucket that takes the audit archive, and what the names of its objects begin with; `events/` by default. */
  archiveBucket: "FERRYGATE_ARCHIVE_BUCKET",
  archivePrefix: "FERRYGATE_ARCHIVE_PREFIX",
  /** `true`: the accounting function writes every event into its log as well. */
  auditLog: "FERRYGATE_AUDIT_LOG",
  /** How often the queue in front of a function delivers a message: its `maxReceiveCount`; 5 by default. */
  queueReceives: "FERRYGATE_QUEUE_RECEIVES",
  /** URLs of the queues of the dispatch and the alerts functions, into which the HTTP API puts dead letters again. */
  dispatchQueue: "FERRYGATE_DISPATCH_QUEUE",
  alertQueue: "FERRYGATE_ALERT_QUEUE",
  /** The transfers function, which the HTTP API calls when a pull is to look now; without it, the schedule calls it. */
  transfersFunction: "FERRYGATE_TRANSFERS_FUNCTION",
  /** The scan-result function, which lets files out of the quarantine when the HTTP API asks for that. */
  scanResultFunction: "FERRYGATE_SCAN_RESULT_FUNCTION",
  /** Days that infected files are kept in quarantine; 30 without it. */
  quarantineDays: "FERRYGATE_QUARANTINE_DAYS",
  /** ARN of the role in which a managed Transfer Family server reaches the data bucket for a client; optional. */
  transferRole: "FERRYGATE_TRANSFER_ROLE",
  /** ARN of the KMS key of the data bucket, for the session policies of a managed server; optional. */
  dataEncryptionKey: "FERRYGATE_DATA_ENCRYPTION_KEY",
  /**
   * Who is asked over HTTP about logins of names that are not on file: JSON `{"urls", "timeoutSeconds",
   * "defaultGroup"?}`. With `"allowPrivate": true` the endpoint may be at an address that is not public.
   */
  authentication: "FERRYGATE_AUTHENTICATION",
  /** Secret with the headers of those questions, for the functions that ask: JSON `{"NAME": "VALUE"}`. */
  authenticationSecret: "FERRYGATE_AUTHENTICATION_SECRET",
  /** What GuardDuty scans: JSON `{"prefixes": […], "deny": "infected" | "until-clean"}`; without it, nothing. */
  scan: "FERRYGATE_SCAN",
  /** Secret with the OpenPGP keys of dispatch steps: JSON `{"NAME": {"publicKey" | "privateKey", "passphrase"?}}`. */
  pgpKeysSecret: "FERRYGATE_PGP_KEYS_SECRET",
  /** The names of those keys, by which entries are checked: JSON `{"NAME": "public" | "private"}`. */
  pgpKeys: "FERRYGATE_PGP_KEYS",
} as const;

/**
 * The attributes of the one table. `pk` and `sk` are strings; `gs1pk` and `gs1sk` those of the index `gs1`, which
 * holds every attribute; `expiresAt` (seconds since the epoch) is its time to live.
 */
export const tableAttributes = {
  partition: "pk",
  sort: "sk",
  indexName: "gs1",
  indexPartition: "gs1pk",
  indexSort: "gs1sk",
  expiry: "expiresAt",
} as const;

/**
 * What a partition's name begins with. Roles are granted partitions by these prefixes (`dynamodb:LeadingKeys`), which
 * is how the container can neither read a password hash nor change a rule.
 */
export const partitions = {
  /** Accounts, groups and rules, and the changes of them that are not on record: functions only. */
  configuration: "configuration#",
  /** Sessions and API tokens of the HTTP API: functions only. */
  sessions: "sessions#",
  /** Refused logins, counted by network: the functions that check passwords. */
  failedLogins: "failed-logins#",
  /** Accounts that an external system vouched for: functions only. */
  vouched: "vouched#",
  /** The audit index, written by the accounting function. */
  audit: "audit#",
  /** Claims of dispatch steps, dead letters, deliveries of alerts: functions only. */
  automation: "automation#",
  /** Uploads under way and transfers without an end: the container and the functions that work with files. */
  transfers: "transfers#",
  /** Leases of passive ports, of the leader, of tasks and of functions: the container. */
  leases: "leases#",
  /** Those of them that say which functions live: the functions that work with files. */
  functionLeases: "leases#functions",
} as const;

/** How long all addresses together may take for their answer: the gateway waits a little longer for a login. */
export const externalAuthenticationSeconds = 15;

/**
 * The `source` of accounting events on the bus; their `detail-type` is the event's type, their `detail` the event. The
 * rules that fill the queues of the functions accept no other.
 */
export const eventSource = "ferrygate";

/** Where in the bucket of the files the server keeps what is its own; no account gets there. */
export const reservedPrefix = ".ferrygate/";

/** Where content rests on its way through a connector. */
export const connectorStagingPrefix = ".ferrygate/connectors";

/** Where the content of files in quarantine lies, each under the id of its record. */
export const quarantinePrefix = ".ferrygate/quarantine";

/** The tag of an object that an operator let out of the quarantine: `true` lets it be read whatever a scan says. */
export const releasedTag = "ferrygate-released";
