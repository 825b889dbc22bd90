/// The version of all of Grantwatch's programs.
package let grantwatchVersion = "0.1.0"
