import ByteText

/// One key of a section and what its value does.
struct Setting<Target>: Sendable {
  let key: String
  let set: @Sendable (inout Target, SettingValue) throws(BadValue) -> Void

  init(
    _ key: String,
    set: @escaping @Sendable (inout Target, SettingValue) throws(BadValue) -> Void
  ) {
    self.key = key
    self.set = set
  }
}

private let defaults = Configuration()

/// The sections of grantwatch.conf without an argument, and their keys.
let configurationSettings: [String: [Setting<Configuration>]] = [
  "Watchdog": [
    Setting("Mode") { (target, value) throws(BadValue) in
      target.mode = try value.choice(default: defaults.mode)
    },
    Setting("MaxRevokesPerMinute") { (target, value) throws(BadValue) in
      target.maxRevokesPerMinute = try value.number(
        default: defaults.maxRevokesPerMinute, in: 1...1_000_000)
    },
  ],
  "Files": [
    Setting("Watch") { (target, value) throws(BadValue) in
      target.watch = try value.list(target.watch) { (word) throws(BadValue) in
        try value.path(word)
      }
    }
  ],
  "Journal": [
    Setting("Directory") { (target, value) throws(BadValue) in
      target.journalDirectory = try value.path()
    }
  ],
  "Approval": [
    Setting("Approvers") { (target, value) throws(BadValue) in
      target.approvers = try value.list(target.approvers) { (word) throws(BadValue) in
        guard isAccountName(word.hasPrefix("%") ? word.dropFirst() : word[...]) else {
          throw BadValue(message: "bad value '\(word)' for Approvers=: %group or user expected")
        }
        return word
      }
    },
    Setting("SelfApproval") { (target, value) throws(BadValue) in
      target.selfApproval = try value.boolean(default: defaults.selfApproval)
    },
    Setting("Authenticate") { (target, value) throws(BadValue) in
      target.authenticate = try value.choice(default: defaults.authenticate)
    },
    Setting("MaxApproval") { (target, value) throws(BadValue) in
      target.maxApproval = try value.span() ?? defaults.maxApproval
    },
  ],
  "Advice": [
    Setting("Lifetime") { (target, value) throws(BadValue) in
      target.adviceLifetime = try value.span() ?? defaults.adviceLifetime
    },
    Setting("AdviceDirectory") { (target, value) throws(BadValue) in
      target.adviceDirectory = try value.path()
    },
    Setting("TrustAdviceFrom") { (target, value) throws(BadValue) in
      target.trustAdviceFrom = try value.list(target.trustAdviceFrom) { (word) throws(BadValue) in
        guard isHostName(word) else {
          throw BadValue(
            message: "bad value '\(word)' for TrustAdviceFrom=: host name or machine id expected")
        }
        return word
      }
    },
  ],
  "Automation": [
    Setting("Executable") { (target, value) throws(BadValue) in
      target.automationExecutables = try value.globs(target.automationExecutables)
    },
    Setting("Unit") { (target, value) throws(BadValue) in
      target.automationUnits = try value.globs(target.automationUnits)
    },
  ],
]

/// The keys of `[Rule NAME]`.
let ruleSettings: [Setting<Rule>] = [
  Setting("Provenance") { (rule, value) throws(BadValue) in
    let current = (rule.provenance ?? []).map(\.rawValue)
    let words = try value.list(current) { (word) throws(BadValue) in
      if word == "*" { return word }
      let provenance: Provenance = try value.word(word)
      return provenance.rawValue
    }
    rule.provenance =
      words.isEmpty || words.contains("*") ? nil : Set(words.compactMap(Provenance.init))
  },
  Setting("Kind") { (rule, value) throws(BadValue) in rule.kinds = try value.globs(rule.kinds) },
  Setting("Subject") { (rule, value) throws(BadValue) in
    rule.subject = try value.globs(rule.subject)
  },
  Setting("Object") { (rule, value) throws(BadValue) in
    rule.object = try value.globs(rule.object)
  },
  Setting("Agent") { (rule, value) throws(BadValue) in rule.agent = try value.globs(rule.agent) },
  Setting("ChainLength") { (rule, value) throws(BadValue) in
    rule.chainLength = try value.range(in: 0...AgentReference.mostLinks)
  },
  Setting("ChainMember") { (rule, value) throws(BadValue) in
    rule.chainMember = try value.globs(rule.chainMember)
  },
  Setting("Intent") { (rule, value) throws(BadValue) in
    let words = try value.list((rule.intent ?? []).map(\.rawValue)) { (word) throws(BadValue) in
      if word == "*" { return word }
      let intent: RuleIntent = try value.word(word)
      return intent.rawValue
    }
    rule.intent =
      words.isEmpty || words.contains("*") ? nil : Set(words.compactMap(RuleIntent.init))
  },
  Setting("MinPrompt") { (rule, value) throws(BadValue) in
    rule.minPrompt = try value.choice(default: .none)
  },
  Setting("PromptFrom") { (rule, value) throws(BadValue) in
    rule.promptFrom = try value.choice(default: .root)
  },
  Setting("Hint") { (rule, value) throws(BadValue) in rule.hint = try value.globs(rule.hint) },
  Setting("MinConfidence") { (rule, value) throws(BadValue) in
    rule.minConfidence = try value.choice(default: .strong)
  },
  Setting("InGap") { (rule, value) throws(BadValue) in
    rule.inGap = value.entry.value.isEmpty ? nil : try value.boolean(default: false)
  },
  Setting("TTL") { (rule, value) throws(BadValue) in rule.ttl = try value.span() },
  Setting("WarnBefore") { (rule, value) throws(BadValue) in rule.warnBefore = try value.span() },
  Setting("OnDeadline") { (rule, value) throws(BadValue) in
    rule.onDeadline = try value.choice(default: .alert)
  },
  Setting("OnResidue") { (rule, value) throws(BadValue) in
    rule.onResidue = try value.choice(default: .report)
  },
  Setting("NativeExpiry") { (rule, value) throws(BadValue) in
    rule.nativeExpiry = try value.boolean(default: false)
  },
  Setting("Severity") { (rule, value) throws(BadValue) in
    rule.severity = value.entry.value.isEmpty ? nil : try value.word(value.entry.value)
  },
]

/// The keys of `[Webhook]`.
let webhookSettings: [Setting<WebhookConfiguration>] = [
  Setting("URL") { (webhook, value) throws(BadValue) in
    do throws(WebhookURL.Problem) {
      _ = try WebhookURL(value.entry.value)
    } catch {
      throw BadValue(message: "bad value for URL=: \(error.reason)")
    }
    webhook.url = value.entry.value
  },
  Setting("Format") { (webhook, value) throws(BadValue) in
    webhook.format = try value.choice(default: .cloudevents)
  },
  Setting("Events") { (webhook, value) throws(BadValue) in
    webhook.events = try value.globs(webhook.events)
  },
  Setting("MinSeverity") { (webhook, value) throws(BadValue) in
    webhook.minSeverity = try value.choice(default: .low)
  },
  Setting("SecretFile") { (webhook, value) throws(BadValue) in
    let text = value.entry.value
    let isName = !text.contains("/") && text != "." && text != ".." && !text.contains(" ")
    webhook.secretFile = text.isEmpty ? nil : isName ? text : try value.path(text)
  },
  Setting("CAFile") { (webhook, value) throws(BadValue) in webhook.caFile = try value.path() },
  Setting("ClientCertificate") { (webhook, value) throws(BadValue) in
    webhook.clientCertificate = try value.path()
  },
  Setting("ClientKey") { (webhook, value) throws(BadValue) in
    webhook.clientKey = try value.path()
  },
  Setting("Proxy") { (webhook, value) throws(BadValue) in
    let text = value.entry.value
    let allowed = Set("-._:/[]".utf8)
    guard text.utf8.allSatisfy({ isAlphanumeric($0) || allowed.contains($0) }) else {
      throw BadValue(
        message: "bad value for Proxy=: an address such as http://proxy.example:3128 expected")
    }
    webhook.proxy = text.isEmpty ? nil : text
  },
]

/// True for what may be the name of a host (hostname(7)) or a machine id.
private func isHostName(_ name: String) -> Bool {
  !name.isEmpty && name.utf8.count <= 253
    && name.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2d || $0 == 0x2e || $0 == 0x5f }
}

/// True for what may be the name of an account or a group (useradd(8), loosely).
func isAccountName(_ name: Substring) -> Bool {
  !name.isEmpty && name.utf8.count <= 256
    && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && !":,%/".utf8.contains($0) }
}
