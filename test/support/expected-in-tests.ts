/** What the tests' stacks expect. Its time is midnight, so that it has always come. */
export const expectedInTests = [{ name: 'encoders', key: 'expected-{yyyyMMdd}_*.jsonl', by: '00:00 UTC', records: 2 }];
