// A loaded rules file in parts small enough to be taken over without a pause: what crosses from one thread to another is
// made anew on arrival, and ten thousand rules at once take longer than a page may wait.
import type { Loaded, Problems } from './parse.ts'
import type { Problem } from './problem.ts'
import type { LoadedSite } from './schema.ts'

type Rules = LoadedSite['traffic']['rules']

export type Part =
  | { readonly kind: 'site'; readonly site: LoadedSite }
  /** Of the site before. */
  | { readonly kind: 'rules'; readonly rules: Rules }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] }
  | { readonly kind: 'end'; readonly result: Loaded | Problems }

const perPart = 200

const slicesOf = <T>(list: readonly T[]): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(list.length / perPart) }, (_, part) =>
    list.slice(part * perPart, (part + 1) * perPart),
  )

/** Ends with `end`. Everything in it is plain data; the text itself is left out, for who asked has it. */
export function* partsOf(result: Loaded | Problems): Generator<Part, void, void> {
  for (const problems of slicesOf(result.ok ? result.warnings : result.problems))
    yield { kind: 'problems', problems }
  for (const site of result.ok ? result.sites : []) {
    yield { kind: 'site', site: { ...site, traffic: { ...site.traffic, rules: [] } } }
    for (const rules of slicesOf(site.traffic.rules)) yield { kind: 'rules', rules: [...rules] }
  }
  yield {
    kind: 'end',
    result: result.ok ? { ...result, sites: [], warnings: [], text: '' } : { ...result, problems: [] },
  }
}

/** Takes the parts of a text in their order; answers what they were once the last is there, and `null` before. */
export const joinParts = (text: string): ((part: Part) => Loaded | Problems | null) => {
  const sites: { readonly site: LoadedSite; readonly rules: Rules[number][] }[] = []
  const problems: Problem[] = []
  return (part) => {
    switch (part.kind) {
      case 'site':
        sites.push({ site: part.site, rules: [] })
        return null
      case 'rules':
        sites.at(-1)?.rules.push(...part.rules)
        return null
      case 'problems':
        problems.push(...part.problems)
        return null
      case 'end':
        if (!part.result.ok) return { ...part.result, problems }
        return {
          ...part.result,
          sites: sites.map(({ site, rules }) => ({ ...site, traffic: { ...site.traffic, rules } })),
          warnings: problems,
          text,
        }
    }
  }
}
