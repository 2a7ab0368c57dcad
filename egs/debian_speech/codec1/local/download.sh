#!/usr/bin/env bash
# Download the corpus' Debian packages and unpack them, without root and without installing any.
# usage: download.sh FOLDER PACKAGE...
# Ends with FOLDER/PACKAGE/usr/... for each package. What is there is kept, and a .deb that lies in FOLDER is not downloaded.
set -euo pipefail

folder=$1
shift
mkdir -p "$folder"
cd "$folder"

deb_of() {
  find . -maxdepth 1 -name "$1_*.deb" -size +0 | sort | tail -n 1
}

missing=()
for package; do
  [ -d "$package/usr/share/doc/$package" ] || [ -n "$(deb_of "$package")" ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ] && ! command -v apt-get >/dev/null; then
  echo "download.sh: no apt-get here. Download these packages (from https://packages.debian.org/bookworm/NAME, all" \
    "architectures), put the .deb files into $PWD and run this again: ${missing[*]}" >&2
  exit 1
fi

for package; do
  [ -d "$package/usr/share/doc/$package" ] && continue
  if [ -z "$(deb_of "$package")" ]; then
    echo "downloading $package"
    mkdir -p partial
    # apt-get writes a file of the final name bit by bit, so it gets a folder of its own.
    (cd partial && apt-get download -q "$package") || {
      echo "download.sh: apt-get cannot download $package: does 'apt-get update' know the main archive of Debian?" >&2
      exit 1
    }
    mv partial/"$package"_*.deb .
  fi
  rm -rf "$package.partial"
  mkdir "$package.partial"
  if command -v dpkg-deb >/dev/null; then
    dpkg-deb -x "$(deb_of "$package")" "$package.partial"
  else
    ar p "$(deb_of "$package")" data.tar.xz | tar -xJf - -C "$package.partial"
  fi
  mv "$package.partial" "$package"
done
