// The text of a rules file to sites ready for use, or to everything that is wrong with it.
import { createHash } from 'node:crypto'
import { crossCheck } from './cross-check.ts'
import type { Report } from './cross-check.ts'
import { readDocument } from './document.ts'
import { explainIssues } from './explain-issues.ts'
import { jsonSchemaOf } from './known-keys.ts'
import { outlineOf } from './outline.ts'
import type { Problem } from './problem.ts'
import { checkCertificates } from './certificates.ts'
import { rulesFileSchema } from './schema.ts'
import type { AcmeSettings, LoadedIntegration, LoadedSite, Platforms, RulesRead } from './schema.ts'
import { platformOf, settingsChecker } from './settings.ts'
import type { CheckSettings, ResolveSecret } from './settings.ts'
import { warnings } from './warnings.ts'

export { formatProblems } from './problem.ts'
export type { Problem } from './problem.ts'

export interface RulesDeps {
  readonly platforms: Platforms
  /** A problem names the variable or the file, never the value. */
  readonly resolveSecret: ResolveSecret
  /** Absent: certificates are not looked at. */
  readonly checkCertificate?: CheckCertificate
}

/** Reads both files and holds them against each other; no answer quotes them. */
export type CheckCertificate = (
  files: { readonly cert: string; readonly key: string },
  hosts: readonly string[],
) => {
  readonly problems: readonly { readonly of: 'cert' | 'key'; readonly message: string }[]
  /** It can be served, and visitors will trip over it. */
  readonly doubts: readonly string[]
}

export interface Loaded {
  readonly ok: true
  readonly sites: readonly LoadedSite[]
  /** Who issues certificates; `null`: as usual. */
  readonly acme: AcmeSettings | null
  readonly warnings: readonly Problem[]
  /** What was read. */
  readonly text: string
  /** Of the text: equal texts, equal hashes. */
  readonly hash: string
}

export interface Problems {
  readonly ok: false
  /** At least one error, and perhaps warnings. */
  readonly problems: readonly Problem[]
  readonly hash: string
}

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

const form = jsonSchemaOf(rulesFileSchema)

const loadSites = (file: RulesRead, platforms: Platforms, check: CheckSettings): readonly LoadedSite[] =>
  file.sites.map(({ integrations = [], dataLayer = null, ...traffic }) => ({
    traffic,
    dataLayer,
    integrations: integrations.map((declaration): LoadedIntegration => {
      const platform = platformOf(platforms, declaration.platform) ?? declaration.platform
      return { declaration, platform, settings: check(platform, declaration.config).settings }
    }),
  }))

/** Never throws for anything the text may hold; finds every problem at once. */
export const parseRules = (
  text: string,
  { platforms, resolveSecret, checkCertificate }: RulesDeps,
): Loaded | Problems => {
  const hash = hashOf(text)
  const document = readDocument(text)
  if (document.value === undefined) return { ok: false, problems: document.problems, hash }

  const problems: Problem[] = [...document.problems]
  const report: Report = (path, message, severity = 'error') => {
    problems.push(document.at(path, message, { severity }))
  }
  const parsed = rulesFileSchema.safeParse(document.value)
  const explained = explainIssues(parsed.error?.issues ?? [], [], {
    value: document.value,
    schema: form,
    quiet: false,
  })
  for (const { path, message, key } of explained) problems.push(document.at(path, message, { key }))

  const check = settingsChecker(platforms, resolveSecret)
  const outline = outlineOf(document.value)
  crossCheck(outline, platforms, report)
  if (checkCertificate !== undefined) checkCertificates(outline, checkCertificate, report)
  for (const { integrations } of outline) {
    for (const { path, platform: written, config } of integrations) {
      const platform = written === null ? null : platformOf(platforms, written)
      if (platform === null || config === null) continue
      for (const wrong of check(platform, config).problems)
        problems.push(document.at([...path, 'config', ...wrong.path], wrong.message, { key: wrong.key }))
    }
  }
  if (!parsed.success || problems.some(({ severity }) => severity === 'error'))
    return { ok: false, problems, hash }

  const sites = loadSites(parsed.data, platforms, check)
  warnings(sites, platforms, report)
  return { ok: true, sites, acme: parsed.data.acme ?? null, warnings: problems, text, hash }
}
