// Imports run one way: components use state, state uses chart and api, those use format.ts.

const layer = (name, mayNotUse, comment) => ({
  name,
  comment,
  severity: "error",
  from: { path: `^src/${name}/` },
  to: { path: `^src/(${mayNotUse.join("|")})/` },
});

module.exports = {
  forbidden: [
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-orphans",
      severity: "error",
      from: { orphan: true, path: "^src/" },
      to: {},
    },
    layer("api", ["chart", "state", "components"], "The api knows the server only."),
    layer("chart", ["api", "state", "components"], "The chart knows nothing of runs or the page."),
    layer("state", ["components"], "State does not depend on how it is shown."),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    // Imports of types count as well.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
