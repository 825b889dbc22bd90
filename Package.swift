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
      name: "Provenance", dependencies: ["ByteText", "LinuxKit", "Grants"], swiftSettings: strict),
    .testTarget(name: "ByteTextTests", dependencies: ["ByteText"], swiftSettings: strict),
    .testTarget(
      name: "GrantsTests", dependencies: ["Grants", "ByteText"], swiftSettings: strict),
    .testTarget(
      name: "ProvenanceTests", dependencies: ["Provenance", "Grants", "ByteText"],
      swiftSettings: strict),
  ]
)
