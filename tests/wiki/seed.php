<?php
# Maintenance script of the test wiki: what MediaWiki's importDump cannot bring in.
# usage: MW_CONFIG_FILE=... php seed.php accounts|after history.json
#   accounts  before the import: accounts with their dates of registration, groups, the newusers log
#   after     after it: blocks and unblocks with their dates, renames, tags
$IP = getenv( 'MEDIAWIKI_ROOT' ) ?: '/usr/share/mediawiki';
require_once "$IP/maintenance/Maintenance.php";

use MediaWiki\Block\DatabaseBlock;
use MediaWiki\MediaWikiServices;

class Seed extends Maintenance {
	public function __construct() {
		parent::__construct();
		$this->addArg( 'step', 'accounts or after' );
		$this->addArg( 'file', 'history.json' );
	}

	public function execute() {
		$history = json_decode( file_get_contents( $this->getArg( 1 ) ), true );
		$dbw = $this->getDB( DB_PRIMARY );
		$this->beginTransaction( $dbw, __METHOD__ );
		if ( $this->getArg( 0 ) === 'accounts' ) {
			foreach ( $history['accounts'] as $account ) {
				$this->account( $dbw, $account );
			}
		} else {
			foreach ( $history['blocks'] as $block ) {
				$this->block( $dbw, $block );
			}
			foreach ( $history['tags'] as $row ) {
				$this->tag( $dbw, $row );
			}
		}
		$this->commitTransaction( $dbw, __METHOD__ );
		if ( $this->getArg( 0 ) === 'after' ) {
			foreach ( $history['renames'] as $rename ) {
				$this->rename( $dbw, $rename );
			}
		}
	}

	private function account( $dbw, $account ) {
		$user = User::newFromName( $account['name'], 'creatable' );
		if ( !$user ) {
			$this->fatalError( "not a valid account name: {$account['name']}" );
		}
		$user->addToDatabase();
		$dbw->update( 'user', [ 'user_registration' => $dbw->timestamp( $account['registered'] ) ],
			[ 'user_id' => $user->getId() ], __METHOD__ );
		foreach ( $account['groups'] as $group ) {
			MediaWikiServices::getInstance()->getUserGroupManager()->addUserToGroup( $user, $group );
			$this->log( $dbw, 'rights', 'rights', $this->admin(), $user->getUserPage(), $account['registered'],
				[ '4::oldgroups' => [], '5::newgroups' => [ $group ] ], 'approved' );
		}
		$this->log( $dbw, 'newusers', 'create', $user, $user->getUserPage(), $account['registered'],
			[ '4::userid' => $user->getId() ], '' );
	}

	private function block( $dbw, $block ) {
		$user = User::newFromName( $block['name'] );
		$this->log( $dbw, 'block', 'block', $this->admin(), $user->getUserPage(), $block['at'],
			[ '5::duration' => $block['expiry'], '6::flags' => 'nocreate', 'sitewide' => !isset( $block['only on'] ) ],
			$block['reason'] );
		if ( isset( $block['unblocked'] ) ) {
			$this->log( $dbw, 'block', 'unblock', $this->admin(), $user->getUserPage(), $block['unblocked'], [],
				'new evidence' );
			return;
		}
		$page = $block['only on'] ?? null;
		$new = new DatabaseBlock( [
			'address' => $block['name'], 'by' => $this->admin(), 'reason' => $block['reason'],
			'timestamp' => $block['at'], 'expiry' => $block['expiry'], 'createAccount' => !$page,
			'sitewide' => !$page,
			'enableAutoblock' => false,  # or every client on 127.0.0.1 would be blocked with it
		] );
		if ( $page ) {
			$id = Title::newFromText( $page )->getArticleID();
			$new->setRestrictions( [ new \MediaWiki\Block\Restriction\PageRestriction( 0, $id ) ] );
		}
		# null: an account may have several at once, where the wiki knows how
		MediaWikiServices::getInstance()->getDatabaseBlockStore()->insertBlock( $new, null );
	}

	private function tag( $dbw, $row ) {
		$revision = $dbw->selectField( [ 'revision', 'actor' ], 'rev_id', [ 'rev_actor = actor_id',
			'actor_name' => $row['name'], 'rev_timestamp' => $dbw->timestamp( $row['at'] ) ], __METHOD__ );
		$none = null;
		ChangeTags::addTags( [ $row['tag'] ], $none, $revision );
	}

	private function rename( $dbw, $rename ) {
		$id = User::newFromName( $rename['from'] )->getId();
		$class = class_exists( 'MediaWiki\\RenameUser\\RenameuserSQL' )  # in core since 1.40
			? 'MediaWiki\\RenameUser\\RenameuserSQL' : 'MediaWiki\\Extension\\Renameuser\\RenameuserSQL';
		$sql = new $class( $rename['from'], $rename['to'], $id, $this->admin(), [ 'reason' => 'on request' ] );
		if ( !$sql->rename() ) {
			$this->fatalError( "cannot rename {$rename['from']}" );
		}
		$dbw->update( 'logging', [ 'log_timestamp' => $dbw->timestamp( $rename['at'] ) ],
			[ 'log_type' => 'renameuser', 'log_title' => strtr( $rename['from'], ' ', '_' ) ], __METHOD__ );
	}

	private function log( $dbw, $type, $action, $performer, $target, $at, $params, $comment ) {
		$entry = new ManualLogEntry( $type, $action );
		$entry->setPerformer( $performer );
		$entry->setTarget( $target );
		$entry->setTimestamp( $at );
		$entry->setParameters( $params );
		$entry->setComment( $comment );
		$entry->insert( $dbw );
	}

	private function admin() {
		return User::newFromName( 'Admin' );
	}
}
$maintClass = Seed::class;
require_once RUN_MAINTENANCE_IF_MAIN;
