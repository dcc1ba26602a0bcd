import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { googleEmail, googlePhone } from '../../src/destinations/google-match-keys.ts'

interface Vector {
  readonly field: 'email' | 'phone'
  readonly input: string
  readonly normalised: string | null
  readonly sha256: string | null
  readonly country?: string
}

const vectors = readFileSync(new URL('google-vectors.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector)

test.each(vectors.map((vector) => [vector.field, vector.input, vector] as const))(
  '%s %s',
  (field, input, { normalised, sha256, country = null }) => {
    const forms = field === 'email' ? googleEmail(input) : googlePhone(input, { country })
    expect(forms).toEqual(normalised === null ? [] : [normalised])
    expect(forms.map((form) => createHash('sha256').update(form).digest('hex'))).toEqual(
      sha256 === null ? [] : [sha256],
    )
  },
)
