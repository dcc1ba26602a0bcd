import { z } from 'zod'
import { compileValue } from './match-glob.ts'

/** What the schemas of the rules file share. */

export const nonEmpty = z.string().min(1)

/** Every field says what it is: the text is the user's manual, in the JSON Schema and in the console. */
export const field = <T extends z.ZodType>(
  schema: T,
  title: string,
  description: string,
  ...examples: z.output<T>[]
): T => schema.meta(examples.length === 0 ? { title, description } : { title, description, examples })

export const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~\w-]+$/, 'the name of a header, as in CF-Connecting-IP')

/** A glob over a value, checked where it stands. */
export const valueGlob = nonEmpty.superRefine((glob, context) => {
  try {
    compileValue(glob)
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    context.addIssue({ code: 'custom', message: `"${glob}" is no pattern: ${problem}` })
  }
})
