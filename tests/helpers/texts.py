"""Words of lists in many languages, as people write them: columns, names, reasons and places. Written for the tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """What lists say in a language, and the encodings that it was written in before UTF-8."""

    encodings: tuple[str, ...]
    words: tuple[str, ...]


def _language(encodings: str, words: str) -> Language:
    return Language(tuple(encodings.split()), tuple(each.strip() for each in words.replace("\n", " ").split("|")))


LANGUAGES = {
    "Chinese": _language(
        "gb18030",
        """
        号码 | 手机号 | 卡号 | 姓名 | 原因 | 登记日期 | 案件编号 | 电话号码 | 户名 | 开户行 | 备注
        | 银行 | 金额 | 身份证号 | 状态 | 来源 | 风险等级 | 用户编号 | 地址 | 证件类型 | 单位名称
        | 办理时间 | 处置措施 | 客户名称 | 冻结金额 | 序号 | 交易日期 | 举报人 | 联系人 | 归属地 |
        王伟 | 李娜 | 张敏 | 刘洋 | 陈静 | 杨磊 | 赵军 | 黄丽 | 周杰 | 吴艳 | 徐明 | 孙超 |
        胡霞 | 朱平 | 高刚 | 林桂英 | 何建国 | 郭晓梅 | 马玉兰 | 罗志强 | 王喆 | 李玥 | 张珺 |
        欧阳娜娜 | 司马懿 | 诸葛亮 | 谢婷婷 | 邓鑫 | 冯璐 | 曹睿 | 彭昊天 | 曾涵 | 萧山 | 田雨 |
        董卿 | 袁泉 | 潘虹 | 于谦 | 蒋雯丽 | 蔡琴 | 电信诈骗 | 洗钱 | 涉案账户 | 冒充公检法 |
        网络赌博 | 刷单返利 | 虚假投资理财 | 被举报 | 骚扰电话 | 公安机关冻结 | 出租出借银行卡 | 疑似涉诈
        | 裸聊敲诈 | 杀猪盘 | 跑分 | 无 | 正常 | 待核实 | 本人已销户 | 机主投诉 | 快递丢失理赔 |
        贷款诈骗 | 注销校园贷 | 群众举报 | 系统预警 | 北京市朝阳区建国路 | 上海浦东发展银行 |
        广东省深圳市南山区 | 四川成都 | 浙江杭州西湖区 | 中国工商银行股份有限公司 | 招商银行 | 黑龙江哈尔滨 |
        新疆乌鲁木齐 | 福建省泉州市安溪县 | 海南省儋州市 | 湖北武汉洪山区 | 中国移动 | 农业银行 | 邮政储蓄
        """,
    ),
    "traditional Chinese": _language(
        "big5 cp950",
        """
        號碼 | 手機號碼 | 卡號 | 姓名 | 原因 | 登記日期 | 案件編號 | 電話號碼 | 戶名 | 開戶行 |
        備註 | 銀行 | 金額 | 身分證字號 | 狀態 | 來源 | 風險等級 | 使用者編號 | 地址 | 證件類型 |
        單位名稱 | 通報時間 | 客戶名稱 | 凍結金額 | 序號 | 交易日期 | 檢舉人 | 聯絡人 | 王小明 |
        陳怡君 | 林志玲 | 張惠妹 | 李宗盛 | 黃淑芬 | 吳建宏 | 劉德華 | 蔡英文 | 楊雅婷 | 許家豪 |
        鄭宗翰 | 謝佳穎 | 郭美玲 | 洪俊傑 | 曾雅雯 | 邱志偉 | 廖淑惠 | 賴冠宇 | 徐若瑄 | 周杰倫 |
        葉美惠 | 蘇信宏 | 莊雅筑 | 呂秀蓮 | 電信詐騙 | 洗錢 | 人頭帳戶 | 假冒檢警 | 網路賭博 | 假投資
        | 已通報 | 騷擾電話 | 警示帳戶 | 解除分期付款 | 猜猜我是誰 | 無 | 正常 | 待查證 | 本人已註銷
        | 民眾檢舉 | 系統警示 | 假網拍 | 愛情詐騙 | 台北市信義區 | 新北市板橋區 | 高雄市三民區 | 台灣銀行
        | 國泰世華銀行 | 中國信託 | 臺中市西屯區 | 香港九龍旺角 | 玉山銀行 | 中華電信股份有限公司 |
        桃園市中壢區
        """,
    ),
    "Japanese": _language(
        "cp932 euc_jp",
        """
        番号 | 電話番号 | カード番号 | 氏名 | 理由 | 登録日 | 事件番号 | 口座番号 | 口座名義 | 備考
        | 銀行名 | 金額 | 状態 | 種別 | 住所 | 顧客番号 | フリガナ | 連絡先 | 支店名 | 取引日 |
        被害者 | 携帯電話 | 田中太郎 | 佐藤花子 | 鈴木一郎 | 高橋美咲 | 伊藤健太 | 渡辺直美 | 山本翔 |
        中村さくら | 小林大輔 | 加藤愛 | 吉田優子 | 山田真由美 | タナカタロウ | サトウハナコ | スズキ |
        イチロー | 松本潤 | 井上陽水 | 木村拓哉 | 清水翔太 | 斎藤一 | ひろゆき | 振り込め詐欺 |
        マネーロンダリング | 不正利用 | 迷惑電話 | 口座凍結 | オレオレ詐欺 | なし | 確認中 | 本人により解約
        | 警察からの通報 | 架空請求 | 還付金詐欺 | 盗難カード | 紛失 | 投資詐欺の疑い | 東京都渋谷区 |
        大阪府大阪市北区 | 三菱ＵＦＪ銀行 | みずほ銀行 | 北海道札幌市 | 神奈川県横浜市 | ゆうちょ銀行 | 福岡県
        | 愛知県名古屋市 | 京都
        """,
    ),
    "Half-width kana": _language(
        "cp932",
        """
        ﾊﾞﾝｺﾞｳ | ﾃﾞﾝﾜ | ﾅﾏｴ | ｼﾒｲ | ﾘﾕｳ | ｶﾅ | ｼﾃﾝ | ｺｳｻﾞ | ﾔﾏﾀﾞ |
        ﾀﾛｳ | ｻﾄｳ | ﾊﾅｺ | ｽｽﾞｷｲﾁﾛｳ | ﾀｶﾊｼ | ｼﾞﾛｳ | ﾜﾀﾅﾍﾞ | ﾅｵﾐ |
        ﾔﾏﾓﾄ | ﾅｶﾑﾗ | ｺﾊﾞﾔｼ | ﾀﾅｶ | ｲﾄｳ | ﾌﾘｺﾐ | ｻｷﾞ | ｷﾞﾝｺｳ |
        ｶ)ｼｮｳｼﾞ | ﾄﾘｹｼ | ﾏﾁｶﾞｲ | ﾄｳｷﾖｳ | ｵｵｻｶ | ﾐｽﾞﾎ | ﾐﾂﾋﾞｼ | ﾕｳﾁｮ
        """,
    ),
    "Korean": _language(
        "cp949",
        """
        번호 | 전화번호 | 카드번호 | 이름 | 성명 | 사유 | 등록일 | 사건번호 | 계좌번호 | 예금주 |
        비고 | 은행 | 금액 | 상태 | 구분 | 주소 | 고객번호 | 생년월일 | 연락처 | 지점 | 거래일자
        | 신고자 | 휴대폰 | 위험등급 | 김민준 | 이서연 | 박지훈 | 최수빈 | 정예은 | 강도윤 | 조하은
        | 윤지우 | 장민서 | 임현우 | 한지민 | 오세훈 | 서태지 | 신동엽 | 권상우 | 황정민 | 안철수
        | 송중기 | 류현진 | 홍길동 | 전지현 | 고소영 | 문재인 | 손흥민 | 배수지 | 보이스피싱 |
        자금세탁 | 대포통장 | 불법도박 | 사기 | 의심 | 신고 | 접수 | 스팸 | 전화 | 계좌 | 정지 |
        없음 | 정상 | 확인 | 중 | 본인 | 해지 | 경찰 | 통보 | 투자 | 대출 | 명의도용 | 분실 |
        도난 | 서울특별시 | 강남구 | 부산광역시 | 해운대구 | 국민은행 | 신한은행 | 우리은행 | 대구 |
        인천 | 광주 | 대전 | 울산 | 경기도 | 성남시 | 제주도 | 하나은행 | 농협
        """,
    ),
    "German": _language(
        "cp1252 cp850",
        """
        Für | Größe | Prüfung | Straße | Begründung | Geschäft | Übermittelt | Empfänger | Währung | Jürgen Müller |
        Günther Schröder | Björn Weiß | Käthe Böhm | Jörg Krüger | Sören Groß | Anna Schäfer | Bärbel Köhler | Uwe
        Größer | Zoë Möller | Renée Dürr | Geldwäsche | Gerät gestohlen | geprüft | ungültig | Rückbuchung | über
        Dritte | Auslösung durch Kündigung | Kontoüberzug | München | Köln | Düsseldorf | Nürnberg | Zürich |
        Österreich | Lübeck | Göttingen | Würzburg | Saarbrücken
        """,
    ),
    "French": _language(
        "cp1252 cp850",
        """
        Numéro | Téléphone | Prénom | Société | Référence | Créé le | Catégorie | Vérifié | Coordonnées | Sévérité |
        Hélène Dupré | François Lefèvre | André Noël | Zoé Gagné | Benoît Côté | Céline Béranger | Jérôme Château |
        Anaïs Boë | Désiré Éluard | Théo Lemaître | Fraude avérée | usurpation d’identité | Compte bloqué à la
        demande | signalé | carte volée | escroquerie présumée | rien à signaler | déjà clôturé | démarchage
        téléphonique | Île-de-France | Orléans | Béziers | Saint-Étienne | Genève | Québec | Montréal | Évry |
        Besançon | Nîmes
        """,
    ),
    "Spanish": _language(
        "cp1252 cp850",
        """
        Número | Teléfono | Descripción | Razón | Código | Año | Dirección | Compañía | Situación | Categoría | José
        García | María Núñez | Ángel Muñoz | Sofía Peña | Raúl Martín | Lucía Ibáñez | Andrés Gómez | Begoña Ordóñez
        | Óscar López | Iñaki Zúñiga | Estafa telefónica | suplantación | bloqueado por petición | denuncia pública
        | robo de teléfono | cancelación | sin información | señal de alarma | según policía | España | Cádiz |
        Málaga | León | A Coruña | Bogotá | México | Perú | Panamá | Córdoba
        """,
    ),
    "Portuguese": _language(
        "cp1252 cp850",
        """
        Número | Descrição | Razão | Código | Endereço | Situação | Cartão | Observação | Ação | João Conceição |
        José Simões | António Guimarães | Inês Gonçalves | Luís Araújo | Mônica Falcão | Célia Magalhães | Estêvão
        Brandão | Patrícia Sá | Flávio Mourão | Fraude em transações | cartão não reconhecido | conta bloqueada à
        ordem | denúncia pública | investigação | não confirmado | cancelação | ligação suspeita | já encerrada |
        São Paulo | Brasília | Maranhão | Goiás | Paraná | Évora | Açores | Setúbal | Ribeirão Preto | Vitória
        """,
    ),
    "Swedish": _language(
        "cp1252",
        """
        Födelsedatum | Orsak är | Ärende | Åtgärd | Kön | Betalningssätt | Åsa Öberg | Björn Åkesson | Göran
        Sjöström | Kåre Lindström | Märta Hägg | Jörgen Nygård | Sörén Øst | Pär Wästberg | bedrägeri | misstänkt |
        spärrad på begäran | stöld | inga åtgärder | återkallad | Göteborg | Malmö | Örebro | Östersund | København
        | Tromsø | Åre
        """,
    ),
    "Polish": _language(
        "cp1250 iso8859-2",
        """
        Imię | Zgłoszenie | Powód | Wartość | Miejscowość | Źródło | Płatność | Łukasz Wiśniewski | Małgorzata
        Dąbrowska | Paweł Kamiński | Agnieszka Zając | Grzegorz Brzęczyszczykiewicz | Józef Piłsudski | Żaneta
        Wójcik | Stanisław Gołąb | Elżbieta Król | pranie pieniędzy | zgłoszony przez policję | wyłudzenie |
        zastrzeżona karta | podejrzenie przestępstwa | kradzież | brak zastrzeżeń | Łódź | Kraków | Gdańsk | Poznań
        | Wrocław | Białystok | Częstochowa | Toruń
        """,
    ),
    "Czech": _language(
        "cp1250 iso8859-2",
        """
        Číslo | Jméno | Příjmení | Důvod | Částka | Účet | Poznámka | Jiří Dvořák | Božena Němcová | Tomáš Černý |
        Lucie Bílá | Ondřej Šťastný | Kateřina Růžičková | Zdeněk Kučera | praní peněz | zablokováno na žádost |
        odcizená karta | nahlášeno policií | prověřuje se | Plzeň | České Budějovice | Ústí nad Labem | Příbram |
        Třebíč
        """,
    ),
    "Hungarian": _language(
        "cp1250",
        """
        Szám | Név | Időpont | Összeg | Számlaszám | Megjegyzés | Kovács Béla | Tóth Erzsébet | Szőke Gergő | Nagy
        Ödön | Vörös Márta | Kőműves Jenő | csalás | pénzmosás | zárolt számla | bejelentés érkezett | ellopott
        kártya | gyanús tevékenység | Győr | Pécs | Székesfehérvár | Hódmezővásárhely | Kőszeg
        """,
    ),
    "Russian": _language(
        "cp1251 koi8-r iso8859-5 cp866",
        """
        Номер | Телефон | Причина | Карта | Имя | Фамилия | Дата | Банк | Сумма | Статус | Иванов Иван | Петрова
        Мария | Сергей Смирнов | Ольга Кузнецова | Дмитрий Попов | Елена Соколова | Алексей Лебедев | ЩЕРБАКОВ ЮРИЙ
        | Мошенничество | отмывание денег | заблокирован | нет | жалоба абонента | украденная карта | проверяется |
        по запросу полиции | Москва | Санкт-Петербург | Новосибирск | Казань | Екатеринбург | Сбербанк
        """,
    ),
    "Ukrainian": _language(
        "cp1251",
        """
        Номер | Причина | Ім’я | Прізвище | Дата | Олена Шевченко | Тарас Бульба | Ігор Кравченко | Їжакевич Андрій
        | шахрайство | відмивання грошей | заблоковано | скарга | Київ | Харків | Одеса | Львів
        """,
    ),
    "Greek": _language(
        "cp1253",
        """
        Αριθμός | Τηλέφωνο | Αιτία | Όνομα | Κάρτα | Ημερομηνία | Γιώργος Παπαδόπουλος | Μαρία Νικολάου | Κώστας
        Δημητρίου | ΕΛΕΝΗ ΠΑΠΠΑ | Άννα Γεωργίου | απάτη | ξέπλυμα χρήματος | κλεμμένη κάρτα | υπό έλεγχο | κανένα |
        Αθήνα | Θεσσαλονίκη | Πάτρα | Ηράκλειο
        """,
    ),
    "Turkish": _language(
        "cp1254",
        """
        Adı | Soyadı | Şikâyet | Açıklama | Ödeme | Müşteri | Şube | Ayşe Yılmaz | Çağrı Öztürk | Şükrü Gündoğdu |
        İbrahim Kılıç | Özgür Işık | Gülşen Doğan | dolandırıcılık | şüpheli işlem | çalıntı kart | engellenmiş |
        başvuru | İstanbul | İzmir | Muğla | Diyarbakır | Şanlıurfa | Eskişehir
        """,
    ),
    "Thai": _language(
        "cp874",
        """
        หมายเลข | ชื่อ | เหตุผล | วันที่ | บัตร | ธนาคาร | เบอร์โทร | จำนวนเงิน | สมชาย ใจดี | สมหญิง รักไทย |
        ประยุทธ์ จันทร์โอชา | กนกวรรณ | ณัฐพล ศรีสุข | วิชัย | ฉ้อโกง | ฟอกเงิน | บัญชีม้า | อายัดบัญชี | ไม่มี |
        แก๊งคอลเซ็นเตอร์ | กรุงเทพมหานคร | เชียงใหม่ | ภูเก็ต | กสิกรไทย
        """,
    ),
    "Vietnamese": _language(
        "cp1258",
        """
        Số | Họ tên | Lý do | Ngày | Thẻ | Ngân hàng | Nguyễn Văn An | Trần Thị Bình | Lê Hoàng | Phạm Đức
        | Đặng Thu | lừa đảo | rửa tiền | tài khoản bị khóa | không có | Hà Nội | Đà Nẵng | Sài Gòn
        """,
    ),
    "Arabic": _language(
        "cp1256",
        """
        رقم | الاسم | السبب | التاريخ | البطاقة | البنك | محمد علي | فاطمة أحمد | خالد عبد الله | عائشة | يوسف |
        احتيال | غسيل الأموال | حساب مجمد | لا يوجد | بلاغ | القاهرة | الرياض | دبي | مكة
        """,
    ),
    "Hebrew": _language(
        "cp1255",
        """
        מספר | שם | סיבה | תאריך | כרטיס | בנק | דוד כהן | שרה לוי | משה מזרחי | רחל | הונאה | הלבנת הון | חשבון
        חסום | אין | תל אביב | ירושלים | חיפה
        """,
    ),
}
