// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target: Swift 6 rules, explicit existentials and imports, no warnings.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

// Imports point only upward in this list; Tests/Structure/check-layers enforces it.
let package = Package(
  name: "grantwatch",
  targets: [
    .systemLibrary(
      name: "CLinux", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
    .target(name: "ByteText", swiftSettings: strict),
    .target(name: "LinuxKit", dependencies: ["CLinux", "ByteText"], swiftSettings: strict),
    .target(name: "Grants", dependencies: ["ByteText"], swiftSettings: strict),
    .target(
      name: "Sources", dependencies: ["ByteText", "LinuxKit", "Grants"],
      path: "Sources/Sources", swiftSettings: strict),
    .target(
      name: "Kinds", dependencies: ["ByteText", "LinuxKit", "Grants", "Sources"],
      swiftSettings: strict),
    .target(
      name: "Provenance",
      dependencies: ["ByteText", "LinuxKit", "Grants", "Sources", "Kinds"],
      swiftSettings: strict),
    .target(
      name: "Ledger", dependencies: ["ByteText", "LinuxKit", "Grants"], swiftSettings: strict),
    .target(
      name: "Control", dependencies: ["ByteText", "LinuxKit", "Grants"], swiftSettings: strict),
    .target(
      name: "Watchdog",
      dependencies: [
        "ByteText", "LinuxKit", "Grants", "Sources", "Kinds", "Provenance", "Ledger", "Control",
      ], swiftSettings: strict),
    .target(
      name: "GrantctlCommands",
      dependencies: ["ByteText", "LinuxKit", "Grants", "Sources", "Ledger", "Control"],
      swiftSettings: strict),
    .target(
      name: "Notify", dependencies: ["ByteText", "LinuxKit", "Grants", "Control"],
      swiftSettings: strict),
    .target(
      name: "PostgreSQLConnector", dependencies: ["ByteText", "LinuxKit", "Grants", "Control"],
      swiftSettings: strict),
    .executableTarget(
      name: "grantwatchd", dependencies: ["ByteText", "LinuxKit", "Grants", "Watchdog"],
      swiftSettings: strict),
    .executableTarget(
      name: "grantctl", dependencies: ["GrantctlCommands"], swiftSettings: strict),
    .executableTarget(name: "grantwatch-notify", dependencies: ["Notify"], swiftSettings: strict),
    .executableTarget(
      name: "grantwatch-postgresql", dependencies: ["PostgreSQLConnector"], swiftSettings: strict),
    .executableTarget(
      name: "grantwatch-bench",
      dependencies: [
        "ByteText", "LinuxKit", "Grants", "Sources", "Provenance", "Ledger", "Control",
      ],
      exclude: ["Reference"],
      swiftSettings: strict),
    .target(name: "Scratch", path: "Tests/Scratch", swiftSettings: strict),
    .testTarget(name: "ByteTextTests", dependencies: ["ByteText"], swiftSettings: strict),
    .testTarget(
      name: "LinuxKitTests", dependencies: ["LinuxKit", "ByteText", "Scratch"],
      swiftSettings: strict),
    .testTarget(
      name: "GrantsTests", dependencies: ["Grants", "ByteText"],
      exclude: ["Samples"], swiftSettings: strict),
    .testTarget(
      name: "SourcesTests", dependencies: ["Sources", "Grants", "LinuxKit", "ByteText", "Scratch"],
      exclude: ["Samples"],
      swiftSettings: strict),
    .testTarget(
      name: "KindsTests",
      dependencies: ["Kinds", "Sources", "Grants", "LinuxKit", "ByteText", "Scratch"],
      swiftSettings: strict),
    .testTarget(
      name: "ProvenanceTests",
      dependencies: ["Provenance", "Sources", "Grants", "LinuxKit", "ByteText", "Scratch"],
      swiftSettings: strict),
    .testTarget(
      name: "LedgerTests", dependencies: ["Ledger", "Grants", "LinuxKit", "ByteText"],
      swiftSettings: strict),
    .testTarget(
      name: "ControlTests", dependencies: ["Control", "LinuxKit", "ByteText"],
      swiftSettings: strict),
    .testTarget(
      name: "GrantctlTests",
      dependencies: ["GrantctlCommands", "Control", "Grants", "LinuxKit", "ByteText", "Scratch"],
      exclude: ["Samples"],
      swiftSettings: strict),
    .testTarget(
      name: "NotifyTests", dependencies: ["Notify", "Control", "Grants", "LinuxKit", "ByteText"],
      swiftSettings: strict),
    .testTarget(
      name: "PostgreSQLConnectorTests",
      dependencies: ["PostgreSQLConnector", "ByteText"], swiftSettings: strict),
    .testTarget(
      name: "WatchdogTests",
      dependencies: [
        "Watchdog", "Control", "Ledger", "Kinds", "Provenance", "Grants", "LinuxKit", "ByteText",
        "Scratch",
      ], swiftSettings: strict),
  ]
)

// Needs the fuzzer's own library, so that it is built by Tests/Fuzz/run only.
if Context.environment["GRANTWATCH_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "grantwatch-fuzz",
      dependencies: ["ByteText", "LinuxKit", "Grants", "Sources", "Kinds", "Provenance"],
      path: "Tests/Fuzz", exclude: ["run"], swiftSettings: strict,
      linkerSettings: [.unsafeFlags(["-use-ld=lld"])]))
}
