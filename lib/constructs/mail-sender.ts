import { aws_iam as iam, aws_ses as ses } from "aws-cdk-lib";
import { Construct } from "constructs";

export interface MailSenderProps {
  /** The sender of alerts. */
  readonly from: string;
  /** The domain or the address that SES verifies. */
  readonly identity: string;
}

/** An identity of SES. Nothing is sent before it is verified: docs/aws/deploy.md says how. */
export class MailSender extends Construct {
  readonly from: string;
  readonly identity: ses.EmailIdentity;
  readonly configurationSet: ses.ConfigurationSet;

  constructor(scope: Construct, id: string, props: MailSenderProps) {
    super(scope, id);
    this.from = props.from;
    this.configurationSet = new ses.ConfigurationSet(this, "Sending", {
      tlsPolicy: ses.ConfigurationSetTlsPolicy.REQUIRE,
      reputationMetrics: true,
    });
    const { identity } = props;
    this.identity = new ses.EmailIdentity(this, "Identity", {
      identity: identity.includes("@") ? ses.Identity.email(identity) : ses.Identity.domain(identity),
      configurationSet: this.configurationSet,
    });
  }

  /** Sends as the one sender, and as nobody else of the domain. */
  grantSend(grantee: iam.IGrantable): iam.Grant {
    const { configurationSetName } = this.configurationSet;
    const configurationSet = this.identity.stack.formatArn({
      service: "ses",
      resource: "configuration-set",
      resourceName: configurationSetName,
    });
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ["ses:SendEmail", "ses:SendRawEmail"],
      resourceArns: [this.identity.emailIdentityArn, configurationSet],
      conditions: { StringEquals: { "ses:FromAddress": this.from } },
    });
  }
}
