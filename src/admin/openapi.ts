import { z } from 'zod'
import { problemCodes } from './problem.ts'
import type { Route } from './route.ts'

/** The OpenAPI 3.1 document, made from the same rows and schemas that serve the requests. */

const problemSchema = {
  type: 'object',
  required: ['error', 'code'],
  properties: {
    error: { type: 'string', description: 'A sentence.' },
    code: { type: 'string', enum: Object.keys(problemCodes) },
    issues: {
      type: 'array',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
}

const schemaOf = (schema: z.ZodType): Record<string, unknown> => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return rest
}

const pathOf = (path: string): string => path.replace(/:(\w+)/g, '{$1}')

const parametersOf = ({ path, query }: Route): readonly object[] => {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const properties = query === undefined ? {} : (schemaOf(query)['properties'] ?? {})
  const inQuery = Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema,
  }))
  return [...inPath, ...inQuery]
}

const operationOf = (route: Route): object => ({
  operationId: `${route.method.toLowerCase()}${route.path.replace(/[^a-z0-9]+(\w)/gi, (_, letter: string) => letter.toUpperCase())}`,
  summary: route.summary,
  ...(route.scope === null ? { security: [] } : { security: [{ key: [] }], 'x-scope': route.scope }),
  parameters: parametersOf(route),
  ...(route.body === undefined
    ? {}
    : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body) } } } }),
  responses: {
    ...Object.fromEntries(
      Object.entries(route.answers).map(([status, description]) => [status, { description }]),
    ),
    default: {
      description: 'What went wrong.',
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  },
})

export const openApiDocument = (routes: readonly Route[], version: string): object => ({
  openapi: '3.1.0',
  info: { title: 'Sluice', version },
  paths: Object.fromEntries(
    [...Map.groupBy(routes, ({ path }) => pathOf(path))].map(([path, same]) => [
      path,
      Object.fromEntries(same.map((route) => [route.method.toLowerCase(), operationOf(route)])),
    ]),
  ),
  components: {
    schemas: { Problem: problemSchema },
    securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
  },
})
