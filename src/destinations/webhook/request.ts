import type { BuildContext, DeliverableEvent, HttpRequest } from '../destination.ts'
import { addressOf } from '../endpoint.ts'
import { defaultBody } from './default-body.ts'
import { parseTextTemplate } from './parse-template.ts'
import { maxHeaderBytes, parseBody, type WebhookAuth, type WebhookSettings } from './settings.ts'
import { bodySignature, messageId, standardSignature } from './sign.ts'
import { type Parts, renderJson, renderText, type TemplateNode, type Variables } from './template.ts'
import { variablesOf } from './variables.ts'

interface Compiled {
  /** `null`: the default body. */
  readonly body: TemplateNode | null
  /** Lower-case names. */
  readonly headers: readonly (readonly [string, Parts])[]
}

/** Templates are parsed once per settings, not once per event. */
const compiledOf = new WeakMap<WebhookSettings, Compiled>()

/** Settings come from the schema, which refuses what does not parse; an unreadable template here is a bug. */
const templateOf = <T>(
  parsed: { readonly template: T } | { readonly problem: { readonly message: string } },
): T => {
  if ('problem' in parsed) throw new TypeError(parsed.problem.message)
  return parsed.template
}

const compile = (settings: WebhookSettings): Compiled => {
  const known = compiledOf.get(settings)
  if (known !== undefined) return known
  const compiled: Compiled = {
    body: settings.body === undefined ? null : templateOf(parseBody(settings.body)),
    headers: Object.entries(settings.headers).map(([name, value]) => [
      name.toLowerCase(),
      templateOf(parseTextTemplate(value)),
    ]),
  }
  compiledOf.set(settings, compiled)
  return compiled
}

/** A value from an event must not end the header or begin another (response splitting turned round); nor is it all ASCII. */
const headerSafe = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\p{Cc}]+/gu, ' ')
    .replace(/[^\x20-\x7e]+/gu, encodeURIComponent)
    .trim()

const authHeaders = (
  auth: WebhookAuth,
  message: { readonly id: string; readonly timestamp: number; readonly body: string },
): Readonly<Record<string, string>> => {
  switch (auth.type) {
    case 'none':
      return {}
    case 'bearer':
      return { authorization: `Bearer ${auth.token}` }
    case 'basic':
      return {
        authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`, 'utf8').toString('base64')}`,
      }
    case 'hmac':
      return { [auth.header.toLowerCase()]: bodySignature(auth.algorithm, auth.secret, message.body) }
    case 'signature': {
      const secrets = [...(auth.secret === undefined ? [] : [auth.secret]), ...(auth.secrets ?? [])]
      return { 'webhook-signature': standardSignature([...new Set(secrets)], message) }
    }
    case 'api_key':
      return { [auth.header.toLowerCase()]: auth.value }
  }
}

const problemWithHeaders = (headers: Readonly<Record<string, string>>): string | null =>
  Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, 0) > maxHeaderBytes
    ? `template_headers_too_large: at most ${maxHeaderBytes} bytes`
    : null

/** Total: with a `problem` there is a request all the same, and `refuse` keeps it from being sent. */
export const renderRequest = (
  deliverable: DeliverableEvent,
  settings: WebhookSettings,
  context: Pick<BuildContext, 'integration' | 'now' | 'endpoint'>,
): { readonly request: HttpRequest; readonly problem: string | null } => {
  const compiled = compile(settings)
  const address = new URL(settings.url)
  const variables: Variables = variablesOf(deliverable, {
    integration: context.integration,
    allowPlain: settings.allowPlainPii,
  })
  const body =
    compiled.body === null
      ? { text: defaultBody(deliverable, settings.allowPlainPii), problem: null }
      : renderJson(compiled.body, variables)
  const written = compiled.headers.map(([name, parts]) => ({ name, ...renderText(parts, variables) }))
  const ownHeaders = Object.fromEntries(written.map(({ name, text }) => [name, headerSafe(text)]))
  const message = {
    id: messageId(deliverable.event.id),
    // The receiver refuses old timestamps, so each attempt has its own.
    timestamp: Math.floor(context.now / 1000),
    body: body.text,
  }
  return {
    request: {
      method: settings.method,
      url: addressOf(address.origin, context.endpoint, `${address.pathname}${address.search}`),
      headers: {
        'content-type': 'application/json',
        ...ownHeaders,
        'webhook-id': message.id,
        'webhook-timestamp': String(message.timestamp),
        // Ingest refuses what carries it, so that two gateways cannot send an event round in circles.
        'x-gateway-hop': '1',
        ...authHeaders(settings.auth, message),
      },
      body: body.text,
    },
    problem:
      body.problem ??
      written.map(({ problem }) => problem).find((problem) => problem !== null) ??
      problemWithHeaders(ownHeaders),
  }
}
