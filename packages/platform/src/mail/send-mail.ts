import { createTransport } from 'nodemailer'

/** The mail server and the sender of the installation. */
export interface MailConfig {
  /** `smtp://` (STARTTLS where the server offers it) or `smtps://`, with the user and the password. */
  smtpUrl: string
  /** The sender: an address, or `Name <address>`. */
  from: string
}

export interface Mail {
  /** One address. */
  to: string
  subject: string
  /** Plain text. */
  text: string
}

/** A person waits for the answer: a mail server that does not respond in this time counts as unreachable. */
const TIMEOUT_MS = 10_000

/** Hands a mail over to the mail server. Throws when the server does not accept it. */
export async function sendMail({ smtpUrl, from }: MailConfig, { to, subject, text }: Mail): Promise<void> {
  const transport = createTransport({
    url: smtpUrl,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  try {
    // As an object, the address is never read as a list of addresses.
    await transport.sendMail({ from, to: { name: '', address: to }, subject, text })
  } finally {
    transport.close()
  }
}
