// What the scripts of checks share: each function of `checks` is one behaviour, and one line {check: null or its stack}
// says how all went.
import assert from "node:assert/strict";

export const options = JSON.parse(process.argv[2]);

export async function all<T>(found: AsyncIterable<T>): Promise<T[]> {
  const rows: T[] = [];
  for await (const row of found) rows.push(row);
  return rows;
}

// warned collects what the SDK warns of, which fails a check too.
export async function report(checks: Record<string, () => Promise<void>>, warned: string[] = []): Promise<never> {
  const results: Record<string, string | null> = {};
  for (const [name, check] of Object.entries(checks)) {
    warned.length = 0;
    try {
      await check();
      assert.deepEqual(warned, []);
      results[name] = null;
    } catch (error) {
      results[name] = String((error as Error).stack ?? error);
    }
  }
  console.log(JSON.stringify(results));
  process.exit(0);
}
