/** A table of what cryptography costs, as `midstream calibrate` writes it and a scenario or lab carries it: checked plain values. */
import { z } from 'zod'
import { LabError } from '../base/errors.js'
import { cipherNames, operationNames, streamedNames, type CostTable } from '../secure/costs.js'

// Compiling validators with eval is forbidden by the window's content security policy.
z.config({ jitless: true })

/** A millisecond an octet is slower than anything; ten seconds an operation too. */
const nsPerOctet = z.number().min(0).max(1e6)
const ns = z.number().min(0).max(1e10)
const source = z.string().min(1)

const record = z.strictObject({ nsPerOctet, nsPerRecord: ns, source })
const operation = z.strictObject({ ns, source })
const streamed = z.strictObject({ nsPerOctet, source })

export const costTableSchema: z.ZodType<CostTable> = z.strictObject({
  title: z.string().min(1),
  ciphers: z.record(z.enum(cipherNames), record),
  operations: z.record(z.enum(operationNames), operation),
  streamed: z.record(z.enum(streamedNames), streamed),
})

/** Throws `LabError` naming the first place that is wrong and why. */
export function parseCostTable(value: unknown): CostTable {
  const result = costTableSchema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new LabError((issue?.path ?? []).map(String).join('.') || 'table', issue?.message ?? 'not a table of costs')
}
