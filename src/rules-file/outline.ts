// The parts of a rules file that can be read though others are broken, so that every problem is found at once.
import { actionSchema, matchSchema } from '../capture/rules.ts'
import type { Action, Rule } from '../capture/rules.ts'
import type { Path } from './problem.ts'

/** Parts are `null` where their own form is wrong. */
export interface RuleOutline {
  readonly path: Path
  readonly id: string | null
  readonly match: Rule['match'] | null
  readonly actions: readonly (Action | null)[]
}

export interface IntegrationOutline {
  readonly path: Path
  readonly id: string | null
  readonly platform: string | null
  /** `null` where it is no object. */
  readonly config: object | null
  /** `consent.whenDenied`. */
  readonly whenDenied: string | null
}

export interface SiteOutline {
  readonly path: Path
  readonly id: string | null
  readonly hosts: readonly { readonly path: Path; readonly host: string }[]
  /** As given, where it is text. */
  readonly cookieDomain: string | null
  readonly tls: { readonly cert: string; readonly key: string } | 'acme' | null
  readonly rules: readonly RuleOutline[]
  readonly integrations: readonly IntegrationOutline[]
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const object = (value: unknown): object | null =>
  typeof value === 'object' && !Array.isArray(value) ? value : null

const tlsOf = (value: unknown): SiteOutline['tls'] => {
  if (value === 'acme') return value
  const cert = text(field(value, 'cert'))
  const key = text(field(value, 'key'))
  return cert === null || key === null ? null : { cert, key }
}

export const outlineOf = (file: unknown): readonly SiteOutline[] =>
  list(field(file, 'sites')).map((site, index): SiteOutline => {
    const path: Path = ['sites', index]
    return {
      path,
      id: text(field(site, 'id')),
      hosts: list(field(site, 'hosts')).flatMap((host, place) =>
        typeof host === 'string' ? [{ path: [...path, 'hosts', place], host }] : [],
      ),
      cookieDomain: text(field(field(site, 'identity'), 'cookieDomain')),
      tls: tlsOf(field(site, 'tls')),
      rules: list(field(site, 'rules')).map((rule, place) => ({
        path: [...path, 'rules', place],
        id: text(field(rule, 'id')),
        match: matchSchema.safeParse(field(rule, 'match')).data ?? null,
        actions: list(field(rule, 'actions')).map((action) => actionSchema.safeParse(action).data ?? null),
      })),
      integrations: list(field(site, 'integrations')).map((integration, place) => ({
        path: [...path, 'integrations', place],
        id: text(field(integration, 'id')),
        platform: text(field(integration, 'platform')),
        config: object(field(integration, 'config')),
        whenDenied: text(field(field(integration, 'consent'), 'whenDenied')),
      })),
    }
  })
