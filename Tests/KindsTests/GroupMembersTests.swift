import Grants
import Kinds
import Testing

@Suite struct GroupMembersTests {
  private let base = GroupState(
    memberships: [
      Membership(user: "alice", group: "sudo", primary: false),
      Membership(user: "alice", group: "alice", primary: true),
      Membership(user: "bob", group: "bob", primary: true),
    ],
    groups: ["sudo": 27, "docker": 999, "alice": 1001, "bob": 1002],
    users: [
      "alice": GroupState.Account(uid: 1001, gid: 1001),
      "bob": GroupState.Account(uid: 1002, gid: 1002),
    ])

  private func member(_ user: String, _ group: String, primary: Bool = false) -> Membership {
    Membership(user: user, group: group, primary: primary)
  }

  private func difference(_ change: (inout GroupState) -> Void) -> (
    gained: [Membership], lost: [Membership]
  ) {
    var new = base
    change(&new)
    return GroupMembers.difference(base, new)
  }

  @Test("A new member is a gain, one that went a loss")
  func plain() {
    let gain = difference { $0.memberships.insert(member("bob", "docker")) }
    #expect(gain.gained == [member("bob", "docker")] && gain.lost.isEmpty)
    let loss = difference { $0.memberships.remove(member("alice", "sudo")) }
    #expect(loss.lost == [member("alice", "sudo")] && loss.gained.isEmpty)
  }

  @Test("A list that still has an account's former name means that account")
  func renamedInSteps() {
    var first = base
    first.memberships.insert(member("bob", "docker"))
    var second = first
    second.users["bert"] = second.users.removeValue(forKey: "bob")
    second.memberships.remove(member("bob", "bob", primary: true))
    second.memberships.insert(member("bert", "bob", primary: true))
    let renamed = GroupMembers.renamedUsers(first, second)
    #expect(renamed == ["bob": "bert"])
    second.follow(renamed)
    #expect(second.memberships.contains(member("bert", "docker")))
    let step = GroupMembers.difference(first, second)
    #expect(step.gained.isEmpty && step.lost.isEmpty)
    #expect(
      GroupMembers.renamed(first, second).contains {
        $0.from == member("bob", "docker") && $0.to == member("bert", "docker")
      })
    var third = second
    third.users["bob"] = GroupState.Account(uid: 1010, gid: 1010)
    third.memberships.insert(member("bob", "docker"))
    third.follow(renamed)
    #expect(third.memberships.contains(member("bob", "docker")))
  }

  @Test("Another primary group is a gain of it and a loss of the old one")
  func primary() {
    let change = difference {
      $0.users["bob"]?.gid = 999
      $0.memberships.remove(member("bob", "bob", primary: true))
      $0.memberships.insert(member("bob", "docker", primary: true))
    }
    #expect(change.gained == [member("bob", "docker", primary: true)])
    #expect(change.lost == [member("bob", "bob", primary: true)])
  }

  @Test("An account's own new group is no gain; an old group as its primary one is")
  func newAccount() {
    let own = difference {
      $0.users["dave"] = GroupState.Account(uid: 1003, gid: 1003)
      $0.groups["dave"] = 1003
      $0.memberships.insert(member("dave", "dave", primary: true))
    }
    #expect(own.gained.isEmpty && own.lost.isEmpty)
    let docker = difference {
      $0.users["dave"] = GroupState.Account(uid: 1003, gid: 999)
      $0.memberships.insert(member("dave", "docker", primary: true))
    }
    #expect(docker.gained == [member("dave", "docker", primary: true)])
    let unnamed = difference {
      $0.users["dave"] = GroupState.Account(uid: 1003, gid: 1003)
      $0.memberships.insert(member("dave", "1003", primary: true))
    }
    #expect(unnamed.gained.isEmpty)
  }

  @Test("A name that comes after the number is no gain: useradd writes passwd first")
  func lateGroup() {
    var half = base
    half.users["dave"] = GroupState.Account(uid: 1003, gid: 1003)
    half.memberships.insert(member("dave", "1003", primary: true))
    var whole = half
    whole.memberships.remove(member("dave", "1003", primary: true))
    whole.memberships.insert(member("dave", "dave", primary: true))
    whole.groups["dave"] = 1003
    let change = GroupMembers.difference(half, whole)
    #expect(change.gained.isEmpty && change.lost.isEmpty)
  }

  @Test("A new name is no gain, and what it carries is told")
  func renames() {
    var new = base
    new.users["alicia"] = new.users.removeValue(forKey: "alice")
    new.groups["admins"] = new.groups.removeValue(forKey: "sudo")
    new.memberships = [
      member("alicia", "admins"), member("alicia", "alice", primary: true),
      member("bob", "bob", primary: true),
    ]
    let change = GroupMembers.difference(base, new)
    #expect(change.gained.isEmpty && change.lost.isEmpty)
    let renamed = GroupMembers.renamed(base, new)
    #expect(
      renamed.map(\.from) == [member("alice", "alice", primary: true), member("alice", "sudo")])
    #expect(renamed.map(\.to.group) == ["alice", "admins"])
    new.memberships.insert(member("alicia", "docker"))
    #expect(GroupMembers.difference(base, new).gained == [member("alicia", "docker")])
  }

  @Test("A second account with an old one's number is no rename")
  func sameNumber() {
    let change = difference {
      $0.users["eve"] = GroupState.Account(uid: 1001, gid: 1001)
      $0.memberships.insert(member("eve", "sudo"))
    }
    #expect(change.gained == [member("eve", "sudo")])
  }

  @Test("Groups that are as good as root are critical")
  func severity() {
    for group in ["sudo", "wheel", "admin", "docker", "disk", "shadow", "lxd", "root"] {
      #expect(GroupMembers.severity(group: group) == .critical)
    }
    #expect(GroupMembers.severity(group: "staff") == .medium)
  }
}
