/** Which folder may know of which: the house's rules, checked in CI. */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Not of types either: a type that two files need is below both.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'core-is-pure',
      comment:
        'core/ knows zod, node utilities, the feeds’ types and the patterns of their keys: nothing that does I/O.',
      severity: 'error',
      from: { path: '^lambdas/core/' },
      to: {
        pathNot:
          '^(lambdas/core/|lambdas/messages\\.ts|feeds/(feed|control-rule|expected-key|key-pattern|variable-name)\\.ts|node_modules/zod|buffer$|crypto$|zlib$|node:(buffer|crypto|zlib)$)',
      },
    },
    {
      name: 'ports-know-no-technology',
      severity: 'error',
      from: { path: '^lambdas/(ports|messages)\\.ts$' },
      to: { path: '(@aws-sdk|@smithy|undici|lambdas/adapters)' },
    },
    {
      name: 'use-cases-know-no-sdk',
      comment: 'Only index.ts joins adapters to the handler.',
      severity: 'error',
      from: {
        path: '^lambdas/(splitter|consumer|finalizer|reconciler|content|dead-letters|deadlines|nights|notices|settlement)/',
        pathNot: '/index\\.ts$',
      },
      to: { path: '(@aws-sdk|@smithy|undici|lambdas/adapters/)' },
    },
    {
      name: 'ledger-applies-changes',
      comment: 'The ledger knows the changes and the store’s port, and neither a technology nor a use case.',
      severity: 'error',
      from: { path: '^lambdas/ledger/' },
      to: { pathNot: '^lambdas/(core/|ledger/|ports\\.ts$|messages\\.ts$)' },
    },
    {
      name: 'only-the-ledger-changes-items',
      comment: 'Others go through the ledger’s interfaces in ports.ts.',
      severity: 'error',
      from: {
        path: '^(lambdas|cli)/',
        pathNot: '^lambdas/(core/(ledger|limiter)/|ledger/|adapters/dynamo-(item-store|expressions)\\.ts$|ports\\.ts$)',
      },
      to: { path: '^lambdas/core/ledger/' },
    },
    {
      name: 'lambdas-know-no-cdk',
      severity: 'error',
      from: { path: '^(lambdas|feeds)/' },
      to: { path: '(^cdk/|^cli/|^localstack/|aws-cdk-lib|^test/)' },
    },
    {
      name: 'functions-do-not-share-code',
      comment: 'What two functions need, or a function and the command line, has a room of its own beside theirs.',
      severity: 'error',
      from: { path: '^(lambdas|cli)/', pathNot: '^lambdas/(splitter|consumer|finalizer|reconciler)/' },
      to: { path: '^lambdas/(splitter|consumer|finalizer|reconciler)/' },
    },
    {
      name: 'a-function-keeps-to-itself',
      severity: 'error',
      from: { path: '^lambdas/(splitter|consumer|finalizer|reconciler)/' },
      to: { path: '^lambdas/(splitter|consumer|finalizer|reconciler)/', pathNot: '^lambdas/$1/' },
    },
    { name: 'cdk-names-functions-by-path', severity: 'error', from: { path: '^cdk/' }, to: { path: '^lambdas/' } },
    {
      name: 'feeds-declare',
      severity: 'error',
      from: { path: '^feeds/' },
      to: { pathNot: '^(feeds/|node_modules/zod)' },
    },
    {
      name: 'bench-measures-what-runs',
      comment:
        'The use cases themselves, on the fakes that the tests hold to the contracts, or the stack on the local cloud; what lists and redrives dead letters, and reads evidence; and the prices and sizes that others use.',
      severity: 'error',
      from: { path: '^bench/' },
      to: {
        pathNot:
          '^(bench/|lambdas/|feeds/|localstack/|test/support/|cdk/(consumer-memory|lambda-runtime)\\.ts$|cli/check/list-prices\\.ts$|cli/(archive|dlq|ui|verify)/|node_modules/@aws-sdk/|node_modules/undici/|node_modules/zod/|node_modules/esbuild/|node:|[a-z_]+(/promises)?$)',
      },
    },
    {
      name: 'only-its-tests-need-the-bench',
      severity: 'error',
      from: { pathNot: '^(bench|test/unit/bench)/' },
      to: { path: '^bench/' },
    },
    {
      name: 'no-dev-dependency-at-run-time',
      severity: 'error',
      from: { path: '^(lambdas|feeds)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
