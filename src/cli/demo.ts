import { ConfigurationError } from '../config.ts'

/** `sluice demo`: lives beside the sources, with the stand-ins it needs; an installation without them says so. */
export const run = async (args: readonly string[]): Promise<number> => {
  const demo = await import('../../demo/main.ts').catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new ConfigurationError('the demo is part of a checkout of the project, and this is none', {
      cause: error,
    })
  })
  return demo.run(args)
}
