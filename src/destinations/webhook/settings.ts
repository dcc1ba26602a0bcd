import { z } from 'zod'
import { type Parsed, parseJsonTemplate, parseTextTemplate, parseValueTemplate } from './parse-template.ts'
import { signingKey } from './sign.ts'
import type { TemplateNode } from './template.ts'
import { checkVariable } from './variables.ts'

/** What a site says about one webhook. */

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** HTTP field values without obs-text: what every server reads in the same way. */
const headerText = /^[\t\x20-\x7e]*$/
/** They frame the message or belong to one hop (RFC 9110 7.6.1); setting them is how requests are smuggled. */
const ownedHeaders: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'proxy-authorization',
  'proxy-connection',
  'x-gateway-hop',
])
const maxHeaders = 30
export const maxHeaderBytes = 8 * 1024

const problemWithHeaderName = (name: string): string | null => {
  if (!headerName.test(name)) return 'a header is a name of letters, digits and "-"'
  const lower = name.toLowerCase()
  return ownedHeaders.has(lower) || lower.startsWith('webhook-') ? `"${name}" is set by the gateway` : null
}

const headerNameSchema = z.string().superRefine((name, context) => {
  const problem = problemWithHeaderName(name)
  if (problem !== null) context.addIssue({ code: 'custom', message: problem })
})

const secretText = z.string().min(1).regex(headerText, 'printable ASCII on one line').meta({ secret: true })

const signingSecret = z
  .string()
  .refine((secret) => signingKey(secret) !== null, '"whsec_" and 24 to 64 bytes in base64')
  .meta({
    title: 'Signing secret',
    description: 'Made with: openssl rand -base64 32, behind "whsec_".',
    examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    secret: true,
  })

const authSchema = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('none') }),
    z.strictObject({ type: z.literal('bearer'), token: secretText.meta({ title: 'Token', secret: true }) }),
    z.strictObject({
      type: z.literal('basic'),
      username: z
        .string()
        .min(1)
        .regex(/^[^:]*$/, 'a user name holds no colon (RFC 7617)'),
      password: z.string().meta({ title: 'Password', secret: true }),
    }),
    z.strictObject({
      type: z.literal('hmac'),
      secret: z.string().min(1).meta({
        title: 'Secret',
        description: 'Used as written, byte for byte.',
        secret: true,
      }),
      header: headerNameSchema
        .default('X-Signature-256')
        .meta({ title: 'Header', description: 'Carries "sha256=" and the HMAC of the body in hex.' }),
      algorithm: z.enum(['sha256', 'sha512']).default('sha256'),
    }),
    z.strictObject({
      type: z.literal('signature'),
      secret: signingSecret.optional(),
      secrets: z.array(signingSecret).min(1).max(4).optional().meta({
        title: 'Signing secrets',
        description: 'While a secret is being replaced: each signs, and the receiver accepts any.',
      }),
    }),
    z.strictObject({
      type: z.literal('api_key'),
      header: headerNameSchema.default('X-API-Key').meta({ title: 'Header' }),
      value: secretText.meta({ title: 'Key', secret: true }),
    }),
  ])
  .meta({
    title: 'Authentication',
    description:
      'How the receiver knows the gateway. "signature" is Standard Webhooks (standardwebhooks.com): it proves the sender, the body and the time.',
  })
export type WebhookAuth = z.infer<typeof authSchema>

const problemWithUrl = (text: string): string | null => {
  if (text.includes('{{')) return 'an address cannot hold placeholders; put them into the body or a header'
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return 'an https:// or http:// address'
  if (url.username !== '' || url.password !== '')
    return 'use "auth": { "type": "basic" } for a user name and password'
  return null
}

const urlSchema = z.string().superRefine((text, context) => {
  const problem = problemWithUrl(text)
  if (problem !== null) context.addIssue({ code: 'custom', message: problem })
})

/** The header an authentication writes, in lower case. */
const authHeader = (auth: WebhookAuth): string | null => {
  switch (auth.type) {
    case 'none':
      return null
    case 'bearer':
    case 'basic':
      return 'authorization'
    case 'hmac':
    case 'api_key':
      return auth.header.toLowerCase()
    case 'signature':
      return 'webhook-signature'
  }
}

const headerValueSchema = z
  .string()
  .regex(headerText, 'printable ASCII on one line')
  .superRefine((value, context) => {
    const parsed = parseTextTemplate(value, checkVariable)
    if ('problem' in parsed) context.addIssue({ code: 'custom', message: parsed.problem.message })
  })
  .meta({ secret: true })

const headersSchema = z.record(z.string(), headerValueSchema).superRefine((headers, context) => {
  const entries = Object.entries(headers)
  const report = (message: string, path: readonly string[] = []): void =>
    context.addIssue({ code: 'custom', path: [...path], message })
  if (entries.length > maxHeaders) report(`at most ${maxHeaders} headers`)
  if (entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0) > maxHeaderBytes)
    report(`at most ${maxHeaderBytes} bytes of headers`)
  const seen = new Set<string>()
  for (const [name] of entries) {
    const problem = problemWithHeaderName(name)
    if (problem !== null) report(problem, [name])
    if (seen.has(name.toLowerCase())) report('this header is there twice', [name])
    seen.add(name.toLowerCase())
  }
})

/** A text is a template; anything else is the body itself, with placeholders in its strings. */
export const parseBody = (body: unknown): Parsed<TemplateNode> =>
  typeof body === 'string' ? parseJsonTemplate(body, checkVariable) : parseValueTemplate(body, checkVariable)

const bodySchema = z.unknown().superRefine((body, context) => {
  const parsed = parseBody(body)
  if (!('problem' in parsed)) return
  const { message, line, column, path = [] } = parsed.problem
  context.addIssue({
    code: 'custom',
    path: [...path],
    message: line === undefined ? message : `line ${line}, column ${column}: ${message}`,
  })
})

export const webhookSettings = z
  .strictObject({
    url: urlSchema.meta({
      title: 'Address',
      description:
        'Where events go. It must be public unless the operator opened its network (--allow-private-networks). Redirects are not followed. Over http:// anybody on the way can read along.',
      examples: ['https://crm.example.com/hooks/orders'],
    }),
    method: z
      .enum(['POST', 'PUT', 'PATCH'])
      .default('POST')
      .meta({ title: 'Method', description: 'The HTTP method of each request.' }),
    headers: headersSchema.default({}).meta({
      title: 'Headers',
      description: 'Sent with every event. Values may hold placeholders. They are shown to nobody.',
      examples: [{ 'X-Shop': 'berlin', 'X-Event': '{{event_type}}' }],
    }),
    body: bodySchema.optional().meta({
      title: 'Body',
      description:
        'JSON with {{placeholders}}, or the same as a text, where a placeholder without quotes keeps its type: {"amount": {{value | default: 0}}}. Without a body the whole event is sent.',
      examples: [{ type: '{{event_type}}', amount: '{{value}}', order: '{{order_id}}' }],
    }),
    auth: authSchema.default({ type: 'none' }),
    allowPlainPii: z.boolean().default(false).meta({
      title: 'Allow plain personal data',
      description:
        'Send e-mail, phone, names and ids as they are instead of hashed. They are kept sealed until delivered, which needs SLUICE_SECRET_KEY.',
    }),
  })
  .superRefine((settings, context) => {
    const report = (path: readonly string[], message: string): void =>
      context.addIssue({ code: 'custom', path: [...path], message })
    const ofAuth = authHeader(settings.auth)
    const twice = Object.keys(settings.headers).find((name) => name.toLowerCase() === ofAuth)
    if (twice !== undefined) report(['headers', twice], '"auth" sets this header already')
    if (
      settings.auth.type === 'signature' &&
      settings.auth.secret === undefined &&
      settings.auth.secrets === undefined
    )
      report(['auth', 'secret'], 'a signing secret is needed')
  })
  .meta({ title: 'Webhook' })

export type WebhookSettings = z.infer<typeof webhookSettings>
