internal import ByteText

/// A family of grants that is read, compared and revoked in one way.
///
/// The well-known ones have names here; a connector's is `connector:` and the connector's name.
package struct GrantKind: RawRepresentable, Hashable, Sendable {
  package let rawValue: String

  /// Nil for a name that is neither a well-known kind nor a connector's.
  package init?(rawValue: String) {
    let name = rawValue.hasPrefix("connector:") ? rawValue.dropFirst("connector:".count) : nil
    let isConnector =
      name.map { name in
        !name.isEmpty && name.utf8.count <= 64
          && name.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
      } ?? false
    guard isConnector || Self.wellKnown.contains(where: { $0.rawValue == rawValue }) else {
      return nil
    }
    self.rawValue = rawValue
  }

  /// Told of by a connector or a log file, or reached through one: not this host's own.
  package var isConnectors: Bool { rawValue.hasPrefix("connector:") }

  /// Given on files of watched trees.
  package var isFiles: Bool {
    self == .fileMode || self == .fileOwner || self == .fileACL || self == .fileCapability
  }

  private init(wellKnown name: String) { rawValue = name }

  /// A membership in a group: of the group file, or as an account's primary group.
  package static let groupMember = GrantKind(wellKnown: "group-member")
  /// An account that is new, has uid 0, was unlocked or gained a login shell.
  package static let account = GrantKind(wellKnown: "account")
  /// A rule of sudoers(5).
  package static let sudoRule = GrantKind(wellKnown: "sudo-rule")
  /// A key in an account's authorized_keys.
  package static let sshKey = GrantKind(wellKnown: "ssh-key")
  /// Permission bits of a file below a watched tree, setuid and setgid included.
  package static let fileMode = GrantKind(wellKnown: "file-mode")
  package static let fileOwner = GrantKind(wellKnown: "file-owner")
  /// An entry of an access control list, acl(5).
  package static let fileACL = GrantKind(wellKnown: "file-acl")
  /// A capability of an executable, capabilities(7).
  package static let fileCapability = GrantKind(wellKnown: "file-capability")
  /// A file of polkit's rules.d.
  package static let polkitRule = GrantKind(wellKnown: "polkit-rule")
  /// A right in a PostgreSQL database.
  package static let postgresql = GrantKind(wellKnown: "connector:postgresql")
  /// A RoleBinding or ClusterRoleBinding of Kubernetes.
  package static let kubernetes = GrantKind(wellKnown: "connector:kubernetes")

  /// The kinds that have names here.
  package static let wellKnown: [GrantKind] = [
    groupMember, account, sudoRule, sshKey, fileMode, fileOwner, fileACL, fileCapability,
    polkitRule, postgresql, kubernetes,
  ]
}

/// Where a grant stands.
package enum GrantState: String, Sendable, CaseIterable {
  /// In force, no approval.
  case active
  /// In force, with a human's consent that has not ended.
  case approved
  /// A revocation is queued or under way.
  case expiring
  /// The access is gone.
  case ended
  /// The revocation failed; it is tried again and stays visible.
  case revokeFailed = "revoke-failed"
  /// The object is not the one the grant was given on; it was left alone.
  case drifted
}

/// Where one item of a grant stands.
package enum ItemState: String, Sendable {
  case active, ended, drifted
  case revokeFailed = "revoke-failed"
}

/// What ended a grant.
package enum EndedBy: String, Sendable {
  /// Its deadline came and it was taken back.
  case expired
  /// Somebody asked for it to be taken back.
  case revoked
  /// Somebody else took the access away.
  case removed
  /// Another grant that stands gives the same right.
  case superseded
}

/// The class of a grant's cause.
package enum Provenance: String, Sendable, CaseIterable {
  case agentExecuted = "agent-executed"
  case agentAdvised = "agent-advised"
  case humanViaAgent = "human-via-agent"
  case automation, human, unknown

  /// True for the classes in which an agent did it or said it.
  package var isAgents: Bool { self == .agentExecuted || self == .agentAdvised }
}

/// How the taking back of a grant came out.
package enum RevocationOutcome: String, Sendable {
  /// The access is gone, and nobody was found who still uses it.
  case clean
  /// The access is gone, but somebody still uses what it gave.
  case residue
  /// The access is still there.
  case failed
}

/// How well a provenance is proven.
package enum Confidence: String, Sendable, Comparable, CaseIterable {
  case weak, strong, certain

  private var rank: Int {
    switch self {
    case .weak: 0
    case .strong: 1
    case .certain: 2
    }
  }

  package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}

/// What a right is worth.
package enum Severity: String, Sendable, Comparable, CaseIterable {
  case low, medium, high, critical

  private var rank: Int {
    switch self {
    case .low: 0
    case .medium: 1
    case .high: 2
    case .critical: 3
    }
  }

  package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

  /// One step worse, `critical` at the most.
  package var raised: Self {
    switch self {
    case .low: .medium
    case .medium: .high
    case .high, .critical: .critical
    }
  }
}
