#!/bin/sh
# Install what the two test wikis need, where that is allowed (root, apt); quiet, repeatable. 7zip, too: dumps come as .7z.
#   1.39  Debian 12's own package, installed
#   1.43  Debian 13's package, unpacked beside this script; no file of the system is touched
# usage: install.sh [--check [1.39|1.43]]
# With --check nothing is installed. Ends with 0 when the wikis can be brought up, 1 when not: then it
# says what is missing and the command.
set -u
packages="mediawiki php-cli php-sqlite3 php-mbstring php-xml php-intl 7zip"
web_server="micro-httpd php-cgi"  # satisfy mediawiki's own dependencies without pulling in Apache
newer="$(cd "$(dirname "$0")" && pwd)/.mediawiki_cache/1.43"

php_ready() {
    command -v php >/dev/null || return 1
    php -r 'exit(extension_loaded("pdo_sqlite") && extension_loaded("mbstring") && extension_loaded("xmlreader") && extension_loaded("intl") ? 0 : 1);'
}

seven_zip() { command -v 7z >/dev/null || command -v 7zz >/dev/null; }

ready() {
    php_ready || return 1
    case $1 in
    1.39) [ -f "${MEDIAWIKI_ROOT:-/usr/share/mediawiki}/maintenance/install.php" ] ;;
    1.43) [ -f "$newer/usr/share/mediawiki/maintenance/install.php" ] ;;
    esac
}

unpack() (  # Debian 13's package, through lists of our own
    set -e
    work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$key] http://deb.debian.org/debian trixie main" >"$work/sources.list"
    cat >"$work/apt.conf" <<A
Dir::Etc::sourcelist "$work/sources.list"; Dir::Etc::sourceparts "-";
Dir::State::Lists "$work/lists"; Dir::Cache "$work/cache"; Dir::State::status "/var/lib/dpkg/status";
APT::Sandbox::User "$(id -un)";
A
    export APT_CONFIG="$work/apt.conf"
    apt-get update -qq; cd "$work"; apt-get download -qq mediawiki mediawiki-classes
    for package in *.deb; do dpkg -x "$package" root; done
    find root -type l | while read -r link; do  # absolute ones are led into the unpacked tree
        target=$(readlink "$link")
        case $target in /*) ln -sfn "$newer$target" "$link" ;; esac
    done
    mkdir -p "$(dirname "$newer")"; mv root "$newer" 2>/dev/null || [ -d "$newer" ]
)

if [ "${1:-}" = --check ]; then wanted=${2:-1.39 1.43}; else
    wanted="1.39 1.43"
    log=$(mktemp)
    if { ! ready 1.39 || ! seven_zip; } && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing $packages (about 45 MB)" >&2
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends $packages $web_server; } >"$log" 2>&1 || tail -n 5 "$log" >&2
    fi
    if ! ready 1.43 && command -v apt-get >/dev/null; then
        echo "fetching MediaWiki 1.43 (about 55 MB)" >&2
        unpack >"$log" 2>&1 || tail -n 5 "$log" >&2
    fi
    rm -f "$log"
fi
for version in $wanted; do ready "$version" || missing="${missing:-} $version"; done
[ -z "${missing:-}" ] && exit 0
echo "the test wikis need MediaWiki$missing, and: $packages" >&2
echo "install with: sudo apt-get install --no-install-recommends $packages $web_server; sh $0" >&2
exit 1
